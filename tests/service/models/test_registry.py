"""The registry of models, with engines that start and die when the test says."""

import logging
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from model_store import ModelStore, StoreUnavailable
from service.errors import Draining, ModelUnavailable
from service.models.loading import LoadedModel
from service.models.records import HeldVersion
from tests.factories import publish_random_model
from tests.fake_engines import FINGERPRINT, FakeStarts
from tests.registries import (
    DEADLINE,
    Clock,
    SwitchedStore,
    models_of,
    publish,
    starting,
    version_of,
)
from tests.servers import wait_until


def test_a_version_is_loaded_at_the_first_request(starts: FakeStarts, store: ModelStore) -> None:
    """The first request starts an engine, later ones share it, and None means the default model."""
    models = models_of(store)
    assert not models.ready
    first = models.get(None)
    assert models.get("live") is first
    assert models.get("live@1") is first
    assert (first.manifest.name, first.exact, len(starts.engines)) == ("live", True, 1)
    assert models.ready


def test_threads_share_one_start(starts: FakeStarts, store: ModelStore) -> None:
    """Threads that ask for the same version while it is loading get the same engine."""
    models = models_of(store)
    with starting(starts, models, "b", threads=8) as pending:
        pass
    assert len({id(each.result()) for each in pending}) == 1
    assert len(starts.engines) == 1


def test_a_start_delays_nobody_else(starts: FakeStarts, store: ModelStore) -> None:
    """While one engine starts, loaded models answer and the state can be read."""
    models = models_of(store)
    models.get(None)
    with starting(starts, models, "b") as (pending,):
        assert version_of(models) == 1
        assert models.ready
        assert models.exact("live", 1) is True
        assert models.exact("b", 1) is None
        assert not pending.done()
    assert models.exact("b", 1) is True


def test_the_end_of_an_engine_delays_nobody(
    starts: FakeStarts, store: ModelStore, clock: Clock
) -> None:
    """While a refresh ends an unused engine, loaded models answer."""
    models = models_of(store)
    models.get(None)
    publish(store.root)
    models.refresh()
    answered: list[int] = []
    with ThreadPoolExecutor(1) as pool:

        def close() -> None:
            answered.append(pool.submit(version_of, models).result(10))

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
    models = models_of(store)
    starts.error = ModelUnavailable("no engine")
    with pytest.raises(ModelUnavailable, match="no engine"):
        models.get(None)
    assert not models.ready
    starts.error = None
    assert version_of(models) == 1
    assert models.ready


def test_close_waits_for_an_engine_that_starts(starts: FakeStarts, store: ModelStore) -> None:
    """Closing during a start leaves no engine behind, and no other start begins."""
    models = models_of(store)
    models.get(None)
    with ThreadPoolExecutor(1) as pool:
        with starting(starts, models, "b"):
            closing = pool.submit(models.close)
            wait_until(lambda: models._shelf._closed, "the closed registry")
            with pytest.raises(Draining):
                models.get("c")
            assert not closing.done()
        closing.result()
    assert [engine.closed for engine in starts.engines] == [True, True]
    assert not models.ready


def test_a_reference_keeps_its_version_until_refresh(starts: FakeStarts, store: ModelStore) -> None:
    """A published version and a moved alias answer from the next refresh on, not before."""
    models = models_of(store)
    assert version_of(models) == 1
    publish(store.root)
    assert version_of(models) == 1
    models.refresh()
    assert version_of(models) == 2
    store.aliases("live").set("production", 1)
    assert version_of(models) == 2
    models.refresh()
    assert version_of(models) == 1


def test_a_version_whose_files_were_replaced_is_another_one(
    starts: FakeStarts, store: ModelStore
) -> None:
    """Where the engine is lost and the number has other files, those files answer under their digest."""
    models = models_of(store)
    before = models.get("live@1")
    shutil.rmtree(Path(store.root) / "live")
    publish_random_model(store.root, "live", units=8, fingerprint=FINGERPRINT)
    starts.engines[0].alive = False
    models.get("live@1")
    assert {version.digest for version in models._meant()} == {store.manifest("live", 1).digest}
    assert models.get("live@1").manifest.digest != before.manifest.digest


def test_a_version_is_known_by_its_files(starts: FakeStarts, store: ModelStore) -> None:
    """Other files under the same number are another version, and are loaded by the next refresh."""
    models = models_of(store)
    digest = models.get(None).manifest.digest
    shutil.rmtree(Path(store.root) / "live")
    publish_random_model(store.root, "live", units=8, fingerprint=FINGERPRINT)
    assert models.get(None).manifest.digest == digest
    models.refresh()
    assert models.get(None).manifest.digest != digest
    assert version_of(models) == 1


def test_a_store_out_of_reach_changes_nothing(
    starts: FakeStarts, store: SwitchedStore, caplog: pytest.LogCaptureFixture
) -> None:
    """Loaded versions answer, the log names the failure once, and a later refresh follows the store."""
    models = models_of(store)
    models.get(None)
    publish(store.root)
    store.reachable = False
    for _ in range(2):
        models.refresh()
    assert version_of(models) == 1
    with pytest.raises(StoreUnavailable):
        models.get("b")
    assert caplog.messages == ["what is loaded goes on: the store cannot be reached"]
    store.reachable = True
    models.refresh()
    assert version_of(models) == 2


@pytest.mark.parametrize("by", ["request", "refresh"])
def test_a_dead_engine_is_replaced(starts: FakeStarts, store: ModelStore, by: str) -> None:
    """The next request or refresh starts another engine in place of a dead one, which is closed."""
    models = models_of(store)
    models.get(None)
    starts.engines[0].alive = False
    assert not models.ready
    models.refresh() if by == "refresh" else models.get(None)
    assert [engine.closed for engine in starts.engines] == [True, False]
    assert models.ready


def test_readiness_is_the_default_model_s(starts: FakeStarts, store: ModelStore) -> None:
    """The dead engine of another model leaves the service ready."""
    models = models_of(store)
    models.get(None)
    models.get("b")
    starts.engines[1].alive = False
    assert models.ready


def test_a_dead_engine_keeps_its_reference(starts: FakeStarts, store: ModelStore) -> None:
    """A reference keeps its version until refresh, also when the engine has died."""
    models = models_of(store)
    models.get(None)
    publish(store.root)
    starts.engines[0].alive = False
    assert version_of(models) == 1
    models.refresh()
    assert version_of(models) == 2


def test_an_inexact_model_is_in_the_log_once(
    starts: FakeStarts, store: ModelStore, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """Without `require_exact` an inexact version answers, and only its first loading is logged."""
    caplog.set_level(logging.WARNING)
    models = models_of(store)
    publish(store.root, "b", fingerprint="0" * 64)
    assert models.get("b").exact is False
    starts.engines[-1].alive = False
    assert models.get("b").exact is False
    assert len(caplog.messages) == 1
