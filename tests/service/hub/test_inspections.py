"""Inspections at the hub."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from service.errors import DeadlineExceeded, EngineFailed, QueueFull
from service.hub import shared_engine
from service.hub.messages import EngineSpec
from service.hub.worker.inspections import MAX_INSPECTIONS, MAX_READS
from service.stream.details import Look
from tests.fakes import VOCABULARY_SIZE, ScriptedEngine
from tests.hubs import SECONDS, HubInThreads, drawn_by, gated
from tests.servers import wait_until


def test_inspections(hub: HubInThreads) -> None:
    """A reading has the states after each id; a failure and a late reading are errors."""
    engine = hub.engine()
    reading = engine.inspect(np.array([1, 2, 3]), Look(0), SECONDS)
    assert reading.cell[:, 0].tolist() == [1, 2, 3]  # the scripted cell state counts
    assert (reading.likely.top_ids < VOCABULARY_SIZE).all()
    with pytest.raises(EngineFailed):
        engine.inspect(np.array([1]), Look(9), SECONDS)
    with pytest.raises(DeadlineExceeded):
        engine.inspect(np.ones(5_000, np.int64), Look(0), seconds=0)


def test_too_many_inspections(hub: HubInThreads) -> None:
    """Inspections that are not finished count, also after their readers have gone."""
    engine = hub.engine()
    for _ in range(MAX_INSPECTIONS):
        with pytest.raises(DeadlineExceeded):
            engine.inspect(np.ones(9_000, np.int64), Look(0), seconds=0)
    with pytest.raises(QueueFull):
        engine.inspect(np.array([1]), Look(0), SECONDS)


def test_an_inspection_survives_its_hub(hub: HubInThreads, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next hub reads again what was being read, and what was asked for before it had the engine."""
    engine, text = hub.engine(), np.ones(9_000, np.int64)
    gate = threading.Event()

    def open_late(_: EngineSpec) -> ScriptedEngine:
        assert gate.wait(SECONDS)
        return ScriptedEngine()

    monkeypatch.setattr(shared_engine, "_open_engine", open_late)
    with ThreadPoolExecutor(2) as pool:
        readings = [pool.submit(engine.inspect, text, Look(0), SECONDS)]
        wait_until(lambda: not engine.idle, "the inspection")
        hub.die()
        wait_until(lambda: not engine.ready, "the end of the hub")
        readings.append(pool.submit(engine.inspect, text[:3], Look(0), SECONDS))
        gate.set()
        lengths = [len(reading.result().cell) for reading in readings]
    assert lengths == [9_000, 3]


def test_an_inspection_that_kills_every_hub_ends(
    hub: HubInThreads, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A text is read a few times, and then the inspection fails, as a generation does."""
    began = threading.Semaphore(0)
    gate = threading.Event()

    def read(*_: object) -> None:
        began.release()
        assert gate.wait(SECONDS)

    monkeypatch.setattr(shared_engine, "read", read)
    engine = hub.engine()
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(engine.inspect, np.array([1]), Look(0), SECONDS)
        for _ in range(MAX_READS):
            assert began.acquire(timeout=SECONDS)
            hub.die()
        with pytest.raises(EngineFailed):
            reading.result()
        gate.set()


@pytest.mark.parametrize("what", ["generation", "inspection"])
def test_a_hub_in_a_step_that_hangs_is_not_healthy(
    hub: HubInThreads, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """The health of the hub depends on the steps of generations and of inspections."""
    engine, gate = hub.engine(), gated(monkeypatch)
    monkeypatch.setattr(shared_engine, "LONGEST_STEP", 0.0)
    assert hub.hub.healthy
    with ThreadPoolExecutor(1) as pool:
        if what == "generation":
            pool.submit(drawn_by, engine, 3)
        else:
            pool.submit(engine.inspect, np.array([1]), Look(0), SECONDS)
        wait_until(lambda: not hub.hub.healthy, "an unhealthy hub")
        gate.set()
    wait_until(lambda: hub.hub.healthy, "a healthy hub")
