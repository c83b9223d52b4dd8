"""The registry of models, with engines that start and die when the test says."""

import logging
import shutil
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from model_store import LayeredStore, ModelStore, StoreUnavailable
from service.errors import Draining, ModelUnavailable, TooManyModels
from service.hub.client import HubClient
from service.models.loading import LoadedModel
from service.models.records import HeldVersion
from service.models.registry import Models
from service.models.shelf import SECONDS_TO_BEGIN
from service.settings import Settings
from service.stream.generation import Sampling
from service.stream.job import Job, Start
from service.stream.sequence import Sequence
from service.telemetry import Telemetry
from tests.factories import publish_random_model
from tests.fake_engines import FINGERPRINT, FakeStarts
from tests.servers import wait_until

DEADLINE = 60.0  # the default of the settings


class Clock:
    """Time as the registry reads it."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 0.001  # so that of two requests one is later
        return self.now


class SwitchedStore(ModelStore):
    """A store that can be out of reach."""

    reachable = True

    def versions(self, name: str) -> list[int]:
        if not self.reachable:
            raise StoreUnavailable("the store cannot be reached")
        return super().versions(name)


@pytest.fixture
def starts(monkeypatch: pytest.MonkeyPatch) -> FakeStarts:
    starts = FakeStarts()
    monkeypatch.setattr("service.models.loading.EngineClient", starts)
    return starts


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    for module in ("registry", "shelf"):
        monkeypatch.setattr(f"service.models.{module}.monotonic", clock)
    return clock


@pytest.fixture
def store(tmp_path: Path) -> SwitchedStore:
    """A store with version 1 of the models `live`, `b` and `c`."""
    for name in ("live", "b", "c"):
        _publish(tmp_path, name)
    return SwitchedStore(tmp_path)


def _publish(root: Path | str, name: str = "live", fingerprint: str = FINGERPRINT) -> None:
    publish_random_model(root, name, units=4, fingerprint=fingerprint)


def _models(store: ModelStore, **settings: Any) -> Models:
    hub = cast("HubClient", None)  # the fake engines need no hub
    return Models(LayeredStore([store]), Settings(model="live", **settings), hub, Telemetry())


def _version(models: Models, reference: str | None = None) -> int:
    return models.get(reference).manifest.version


def _loaded(models: Models) -> set[str]:
    """The versions that the metrics count as loaded."""
    lines = models._shelf._telemetry.text().decode().splitlines()
    return {
        line.split('"')[1]
        for line in lines
        if line.startswith("charloom_model_loaded{") and line.endswith(" 1.0")
    }


@contextmanager
def _starting(
    starts: FakeStarts, models: Models, reference: str, threads: int = 1
) -> Iterator[list[Any]]:
    """Run the body while threads wait for the same start; then let the start go on."""
    starts.hold()
    meet = threading.Barrier(threads)

    def ask() -> LoadedModel:
        meet.wait()
        return models.get(reference)

    with ThreadPoolExecutor(threads) as pool:
        pending = [pool.submit(ask) for _ in range(threads)]
        try:
            assert starts.begun.wait(10)
            yield pending
        finally:
            starts.gate.set()


def test_a_version_is_loaded_at_the_first_request(starts: FakeStarts, store: ModelStore) -> None:
    """The first request starts an engine, later ones share it, and None means the default model."""
    models = _models(store)
    assert not models.ready
    first = models.get(None)
    assert models.get("live") is first
    assert models.get("live@1") is first
    assert (first.manifest.name, first.exact, len(starts.engines)) == ("live", True, 1)
    assert models.ready


def test_threads_share_one_start(starts: FakeStarts, store: ModelStore) -> None:
    """Threads that ask for the same version while it is loading get the same engine."""
    models = _models(store)
    with _starting(starts, models, "b", threads=8) as pending:
        pass
    assert len({id(each.result()) for each in pending}) == 1
    assert len(starts.engines) == 1


def test_a_start_delays_nobody_else(starts: FakeStarts, store: ModelStore) -> None:
    """While one engine starts, loaded models answer and the state can be read."""
    models = _models(store)
    models.get(None)
    with _starting(starts, models, "b") as (pending,):
        assert _version(models) == 1
        assert models.ready
        assert models.exact("live", 1) is True
        assert models.exact("b", 1) is None
        assert not pending.done()
    assert models.exact("b", 1) is True


def test_the_end_of_an_engine_delays_nobody(
    starts: FakeStarts, store: ModelStore, clock: Clock
) -> None:
    """While a refresh ends an unused engine, loaded models answer."""
    models = _models(store)
    models.get(None)
    _publish(store.root)
    models.refresh()
    answered: list[int] = []
    with ThreadPoolExecutor(1) as pool:

        def close() -> None:
            answered.append(pool.submit(_version, models).result(10))

        starts.engines[0].close = close  # type: ignore[method-assign]
        clock.now += DEADLINE
        models.refresh()
    assert answered == [2]


def test_a_failed_start_reaches_every_thread_that_waits() -> None:
    """Every thread that waits for a version whose loading fails raises the error of that loading."""
    held, gate = HeldVersion(), threading.Event()
    assert held.begin()
    assert not held.begin()

    def fail() -> LoadedModel:
        assert gate.wait(10)
        raise ModelUnavailable("no engine")

    with ThreadPoolExecutor(4) as pool:
        waiting = [pool.submit(held.wait) for _ in range(3)]
        pool.submit(held.load, fail)
        gate.set()
        errors = [each.exception() for each in waiting]
    assert len({id(error) for error in errors}) == 1
    assert isinstance(errors[0], ModelUnavailable)
    assert held.lost
    held.close()


def test_the_request_after_a_failed_start_tries_again(
    starts: FakeStarts, store: ModelStore
) -> None:
    """After a failed start the next request starts an engine again."""
    models = _models(store)
    starts.error = ModelUnavailable("no engine")
    with pytest.raises(ModelUnavailable, match="no engine"):
        models.get(None)
    assert not models.ready
    starts.error = None
    assert _version(models) == 1
    assert models.ready


def test_close_waits_for_an_engine_that_starts(starts: FakeStarts, store: ModelStore) -> None:
    """Closing during a start leaves no engine behind, and no other start begins."""
    models = _models(store)
    models.get(None)
    with ThreadPoolExecutor(1) as pool:
        with _starting(starts, models, "b"):
            closing = pool.submit(models.close)
            wait_until(lambda: models._shelf._closed, "the closed registry")
            with pytest.raises(Draining):
                models.get("c")
            assert not closing.done()
        closing.result()
    assert [engine.closed for engine in starts.engines] == [True, True]
    assert not models.ready


def test_a_version_is_not_closed_while_it_is_loading(
    starts: FakeStarts, store: ModelStore, clock: Clock
) -> None:
    """A start that takes longer than the deadline ends with an engine that answers."""
    models = _models(store)
    with _starting(starts, models, "b") as (pending,):
        for _ in range(2):
            clock.now += 2 * DEADLINE
            models._close_unused()
    assert pending.result().engine.alive


def test_a_reference_keeps_its_version_until_refresh(starts: FakeStarts, store: ModelStore) -> None:
    """A published version and a moved alias answer from the next refresh on, not before."""
    models = _models(store)
    assert _version(models) == 1
    _publish(store.root)
    assert _version(models) == 1
    models.refresh()
    assert _version(models) == 2
    store.aliases("live").set("production", 1)
    assert _version(models) == 2
    models.refresh()
    assert _version(models) == 1


def test_an_unused_version_is_closed_after_the_deadline(
    starts: FakeStarts, store: ModelStore, clock: Clock
) -> None:
    """The engine of a version without a reference runs for the deadline, and ends after it."""
    models = _models(store)
    models.get(None)
    _publish(store.root)
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
    models = _models(store)
    models.get(None)
    _publish(store.root)
    models.refresh()
    assert _version(models, "live@1") == 1
    clock.now += 2 * DEADLINE
    models.refresh()
    assert [engine.alive for engine in starts.engines] == [True, True]


def test_the_reference_asked_for_longest_ago_is_forgotten(
    starts: FakeStarts, store: ModelStore, clock: Clock
) -> None:
    """At most `max_loaded` versions stay, the default model's always among them."""
    models = _models(store, max_loaded=3)
    _publish(store.root, "d")
    for reference in (None, "b", "c", "b"):
        models.get(reference)
    clock.now += 2 * SECONDS_TO_BEGIN
    models.get("d")
    assert _loaded(models) == {"live", "b", "d"}
    assert [engine.alive for engine in starts.engines] == [True, True, False, True]


def test_no_version_makes_room_while_it_answers(
    starts: FakeStarts, store: ModelStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where every other version answers requests, one more is refused, and loaded once there is room."""
    monkeypatch.setattr("service.models.shelf.SECONDS_TO_BEGIN", 0.0)
    monkeypatch.setattr("service.models.shelf.SECONDS_FOR_ROOM", 0.1)
    models = _models(store, max_loaded=2)
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
    assert _version(models, "c") == 1
    assert busy.closed


def test_threads_never_exceed_the_bound(
    starts: FakeStarts, store: ModelStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many versions are asked for at once, no more than `max_loaded` engines run."""
    monkeypatch.setattr("service.models.shelf.SECONDS_TO_BEGIN", 0.0)
    models = _models(store, max_loaded=2)
    for name in "defgh":
        _publish(store.root, name)
    models.get(None)
    with ThreadPoolExecutor(7) as pool:
        assert {m.manifest.version for m in pool.map(models.get, "bcdefgh")} == {1}
    assert sum(engine.alive for engine in starts.engines) == 2
    assert _version(models) == 1
    assert starts.engines[0].alive


def test_a_name_falls_back_to_its_last_good_version(
    starts: FakeStarts, store: ModelStore, caplog: pytest.LogCaptureFixture
) -> None:
    """Where the newest version cannot be loaded at the start, the one before answers; a number is exact."""
    _publish(store.root)
    graph = Path(store.root) / "live" / "2" / "model.int8.onnx"
    whole = graph.read_bytes()
    graph.write_bytes(whole[:-1] + b"x")
    models = _models(store)
    assert _version(models) == 1
    assert "live@2 is passed over" in caplog.text
    with pytest.raises(ModelUnavailable):
        models.get("live@2")
    assert models.ready


def test_a_refused_version_is_tried_again(
    starts: FakeStarts, store: ModelStore, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """A version whose files are repaired is loaded by a later refresh; the pauses between tries double."""
    models = _models(store)
    models.get(None)
    _publish(store.root)
    starts.error = ModelUnavailable("no engine")
    for _ in range(2):
        models.refresh()
        clock.now += 15
    starts.error = None
    models.refresh()
    assert _version(models) == 1
    clock.now += 15
    models.refresh()
    assert _version(models) == 2
    assert caplog.text.count("stays as it is") == 1


def test_a_version_is_known_by_its_files(starts: FakeStarts, store: ModelStore) -> None:
    """Other files under the same number are another version, and are loaded by the next refresh."""
    models = _models(store)
    digest = models.get(None).manifest.digest
    shutil.rmtree(Path(store.root) / "live")
    publish_random_model(store.root, "live", units=8, fingerprint=FINGERPRINT)
    assert models.get(None).manifest.digest == digest
    models.refresh()
    assert models.get(None).manifest.digest != digest
    assert _version(models) == 1


def test_a_version_that_cannot_be_loaded_is_reported_once(
    starts: FakeStarts, store: ModelStore, caplog: pytest.LogCaptureFixture
) -> None:
    """The log names the version once, the version before goes on, and a later version is loaded."""
    models = _models(store)
    models.get(None)
    _publish(store.root)
    starts.error = ModelUnavailable("no engine")
    for _ in range(3):
        models.refresh()
    starts.error = None
    assert caplog.messages == ["live stays as it is: no engine"]
    assert _version(models) == 1
    _publish(store.root)
    models.refresh()
    assert _version(models) == 3


def test_a_store_out_of_reach_changes_nothing(
    starts: FakeStarts, store: SwitchedStore, caplog: pytest.LogCaptureFixture
) -> None:
    """Loaded versions answer, the log names the failure once, and a later refresh follows the store."""
    models = _models(store)
    models.get(None)
    _publish(store.root)
    store.reachable = False
    for _ in range(2):
        models.refresh()
    assert _version(models) == 1
    with pytest.raises(StoreUnavailable):
        models.get("b")
    assert caplog.messages == ["what is loaded goes on: the store cannot be reached"]
    store.reachable = True
    models.refresh()
    assert _version(models) == 2


@pytest.mark.parametrize("by", ["request", "refresh"])
def test_a_dead_engine_is_replaced(starts: FakeStarts, store: ModelStore, by: str) -> None:
    """The next request or refresh starts another engine in place of a dead one, which is closed."""
    models = _models(store)
    models.get(None)
    starts.engines[0].alive = False
    assert not models.ready
    models.refresh() if by == "refresh" else models.get(None)
    assert [engine.closed for engine in starts.engines] == [True, False]
    assert models.ready


def test_readiness_is_the_default_model_s(starts: FakeStarts, store: ModelStore) -> None:
    """The dead engine of another model leaves the service ready."""
    models = _models(store)
    models.get(None)
    models.get("b")
    starts.engines[1].alive = False
    assert models.ready


def test_a_dead_engine_keeps_its_reference(starts: FakeStarts, store: ModelStore) -> None:
    """A reference keeps its version until refresh, also when the engine has died."""
    models = _models(store)
    models.get(None)
    _publish(store.root)
    starts.engines[0].alive = False
    assert _version(models) == 1
    models.refresh()
    assert _version(models) == 2


def test_a_model_that_must_be_exact_and_is_not_is_refused(
    starts: FakeStarts, store: ModelStore
) -> None:
    """With `require_exact` the engine of an inexact version is ended, and the metrics say 0."""
    models = _models(store, require_exact=True)
    _publish(store.root, "b", fingerprint="0" * 64)
    assert _version(models) == 1
    with pytest.raises(ModelUnavailable, match="b@2 does not compute the same numbers"):
        models.get("b@2")
    assert starts.engines[-1].closed
    assert (
        'charloom_model_exact{model="b",version="2"} 0.0'
        in models._shelf._telemetry.text().decode()
    )


def test_an_inexact_model_is_in_the_log_once(
    starts: FakeStarts, store: ModelStore, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """Without `require_exact` an inexact version answers, and only its first loading is logged."""
    caplog.set_level(logging.WARNING)
    models = _models(store)
    _publish(store.root, "b", fingerprint="0" * 64)
    assert models.get("b").exact is False
    starts.engines[-1].alive = False
    assert models.get("b").exact is False
    assert len(caplog.messages) == 1


def test_a_damaged_version_names_its_file(starts: FakeStarts, store: ModelStore) -> None:
    """A version with a changed file is unavailable, and no engine is started for it."""
    graph = Path(store.root) / "b" / "1" / "model.int8.onnx"
    graph.write_bytes(graph.read_bytes()[:-1] + b"x")
    with pytest.raises(ModelUnavailable, match=r"model\.int8\.onnx"):
        _models(store).get("b")
    assert starts.engines == []
