"""How many versions stay in memory, and which of them ends."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from model_store import ModelStore
from service.errors import TooManyModels
from service.models.shelf import SECONDS_TO_BEGIN
from service.stream.generation import Sampling
from service.stream.job import Job, Start
from service.stream.sequence import Sequence
from tests.fake_engines import FakeStarts
from tests.registries import DEADLINE, Clock, loaded, models_of, publish, starting, version_of


def test_a_version_is_not_closed_while_it_is_loading(
    starts: FakeStarts, store: ModelStore, clock: Clock
) -> None:
    """A start that takes longer than the deadline ends with an engine that answers."""
    models = models_of(store)
    with starting(starts, models, "b") as (pending,):
        for _ in range(2):
            clock.now += 2 * DEADLINE
            models._close_unused()
    assert pending.result().engine.alive


def test_an_unused_version_is_closed_after_the_deadline(
    starts: FakeStarts, store: ModelStore, clock: Clock
) -> None:
    """The engine of a version without a reference runs for the deadline, and ends after it."""
    models = models_of(store)
    models.get(None)
    publish(store.root)
    models.refresh()
    clock.now += DEADLINE - 1
    models.refresh()
    old, new = starts.engines
    assert old.alive
    assert models.exact("live", 1) is None
    clock.now += 2
    models.refresh()
    assert old.closed
    assert new.alive


def test_an_unused_version_is_taken_back(
    starts: FakeStarts, store: ModelStore, clock: Clock
) -> None:
    """A version asked for again before it is closed needs no other engine, and stays."""
    models = models_of(store)
    models.get(None)
    publish(store.root)
    models.refresh()
    assert version_of(models, "live@1") == 1
    clock.now += 2 * DEADLINE
    models.refresh()
    assert [engine.alive for engine in starts.engines] == [True, True]


def test_the_reference_asked_for_longest_ago_is_forgotten(
    starts: FakeStarts, store: ModelStore, clock: Clock
) -> None:
    """At most `max_loaded` versions stay, the default model's always among them."""
    models = models_of(store, max_loaded=3)
    publish(store.root, "d")
    for reference in (None, "b", "c", "b"):
        models.get(reference)
    clock.now += 2 * SECONDS_TO_BEGIN
    models.get("d")
    assert loaded(models) == {"live", "b", "d"}
    assert [engine.alive for engine in starts.engines] == [True, True, False, True]


def test_no_version_makes_room_while_it_answers(
    starts: FakeStarts, store: ModelStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where every other version answers requests, one more is refused, and loaded once there is room."""
    monkeypatch.setattr("service.models.shelf.SECONDS_TO_BEGIN", 0.0)
    monkeypatch.setattr("service.models.shelf.SECONDS_FOR_ROOM", 0.1)
    models = models_of(store, max_loaded=2)
    models.get(None)
    models.get("b")
    busy = starts.engines[1]
    busy.draws_first = 0
    drawing = Sequence(Job(Start(np.array([1])), Sampling(1.0, None, None, 0), end=3))
    busy.submit(drawing, None)
    with pytest.raises(TooManyModels, match="2 models are in memory"):
        models.get("c")
    assert busy.alive
    busy.finish(drawing)
    assert version_of(models, "c") == 1
    assert busy.closed


def test_threads_never_exceed_the_bound(
    starts: FakeStarts, store: ModelStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many versions are asked for at once, no more than `max_loaded` engines run."""
    monkeypatch.setattr("service.models.shelf.SECONDS_TO_BEGIN", 0.0)
    models = models_of(store, max_loaded=2)
    for name in "defgh":
        publish(store.root, name)
    models.get(None)
    with ThreadPoolExecutor(7) as pool:
        assert {m.manifest.version for m in pool.map(models.get, "bcdefgh")} == {1}
    assert sum(engine.alive for engine in starts.engines) == 2
    assert version_of(models) == 1
    assert starts.engines[0].alive
