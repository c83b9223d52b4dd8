"""Workers share the engines, flights and memory of one hub, and survive the hub's death."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from service.errors import DeadlineExceeded, Draining, EngineFailed, ModelUnavailable, QueueFull
from service.hub import shared_engine
from service.hub.engine_client import EngineClient
from service.hub.messages import EngineSpec
from service.hub.questions import MAX_INSPECTIONS, MAX_READS
from service.hub.running import MAX_DRAWS
from service.hub.shared_memory import SharedMemory
from service.stream.details import Look
from service.stream.job import Start
from service.stream.pattern import automaton_of
from service.stream.sequence import Sequence
from service.telemetry import Telemetry
from tests.fakes import VOCABULARY_SIZE, ScriptedBatch, ScriptedEngine
from tests.hubs import LONG, SECONDS, HubInThreads, running_hub, sequence, spec
from tests.servers import wait_until


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubInThreads]:
    with running_hub(monkeypatch) as hub:
        yield hub


def _drawn(engine: EngineClient, length: int, **options: object) -> Sequence:
    """A sequence that was drawn alone."""
    drawn = sequence(length, **options)  # type: ignore[arg-type]
    engine.submit(drawn, None)
    drawn.wait_for_end(SECONDS)
    return drawn


def _value(telemetry: Telemetry, name: str) -> float:
    lines = telemetry.text().decode().splitlines()
    return next(float(line.split()[-1]) for line in lines if line.startswith(f"{name} "))


def _running(hub: HubInThreads) -> int:
    """The number of flights of the hub's only engine."""
    (future,) = hub.hub._engines.values()
    return len(future.result()._flights)


def test_a_sequence_is_drawn(hub: HubInThreads) -> None:
    """A sequence gets its characters, its end state and its times, and is counted."""
    telemetry = Telemetry()
    engine = EngineClient(hub.client(telemetry), spec())
    drawn = _drawn(engine, 5, wants_details=True)
    assert drawn.wait(5, SECONDS)
    assert drawn.details is not None
    assert (len(drawn.ids), len(drawn.details)) == (5, 5)
    assert drawn.ending is not None
    assert drawn.ending.state is not None
    assert set(drawn.seconds()) == {"queue", "prefill", "decode"}
    assert not drawn.shared
    assert _value(telemetry, "charloom_generated_characters_total") == 5
    assert _value(telemetry, "charloom_running") == _value(telemetry, "charloom_waiting") == 0


def test_workers_share_an_engine(hub: HubInThreads, monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine is opened once for all workers, and closed when the last of them closes it."""
    opened = []

    def open_engine(given: EngineSpec) -> ScriptedEngine:
        opened.append(given)
        return ScriptedEngine()

    monkeypatch.setattr(shared_engine, "_open_engine", open_engine)
    first, second = hub.engine(), hub.engine()
    assert first.fingerprint == second.fingerprint
    assert opened == [spec()]
    first.close()
    assert len(_drawn(second, 3).ids) == 3
    second.close()
    wait_until(lambda: not hub.hub._engines, "the engine's end")


def test_an_engine_that_opens_too_late_is_closed(
    hub: HubInThreads, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The engine of a worker that ended during the opening does not stay open."""
    gate, opening = threading.Event(), threading.Event()

    def open_engine(_: EngineSpec) -> ScriptedEngine:
        opening.set()
        assert gate.wait(SECONDS)
        return ScriptedEngine()

    monkeypatch.setattr(shared_engine, "_open_engine", open_engine)
    client = hub.client()
    with ThreadPoolExecutor(1) as pool:
        lost = pool.submit(EngineClient, client, spec())
        assert opening.wait(SECONDS)
        client.close()
        assert isinstance(lost.exception(), ModelUnavailable)
    gate.set()
    wait_until(lambda: not hub.hub._engines, "the engine's end")


def test_readers_in_two_workers_share_a_flight(hub: HubInThreads) -> None:
    """Equal streams of two workers are drawn once; one of the readers is told to keep the result."""
    expected = _drawn(hub.engine(), 4_000).ids.tolist()
    readers = [sequence(4_000), sequence(4_000)]
    for reader in readers:
        hub.engine().submit(reader, "key")
    wait_until(lambda: all(reader.admitted for reader in readers), "the readers' flight")
    assert _running(hub) == 1
    for reader in readers:
        assert reader.wait(4_000, SECONDS)
        assert reader.ids.tolist() == expected
    assert sorted(reader.shared for reader in readers) == [False, True]


def test_a_full_queue_refuses(hub: HubInThreads) -> None:
    """The slots and the queue are one for all workers; a reader beyond them is refused."""
    small = spec(slots=2, queue=1)
    engines = [hub.engine(small) for _ in range(2)]
    waiting = [sequence(LONG) for _ in range(3)]
    for number, each in enumerate(waiting):
        engines[number % 2].submit(each, None)
    wait_until(lambda: _running(hub) == 3, "three flights")
    waiting.sort(key=lambda each: each.admitted is None)  # the one in the queue is the last
    with pytest.raises(QueueFull):
        _drawn(engines[0], 3).wait(3, SECONDS)
    for each in waiting[1:]:
        each.cancel()
        each.wait_for_end(SECONDS)
    assert len(_drawn(engines[1], 3).ids) == 3


def test_a_followed_sequence_is_delivered_before_its_end(hub: HubInThreads) -> None:
    """A reader who starts to follow gets characters while the sequence runs, and may end it."""
    following = sequence(LONG)
    hub.engine().submit(following, None)
    assert following.wait(1, SECONDS)
    assert following.stage == "running"
    following.cancel()
    following.wait_for_end(SECONDS)
    assert 0 < len(following.ids) < LONG


def test_a_worker_that_ends_leaves_nothing_running(hub: HubInThreads) -> None:
    """The flights of a lost worker end, and the engine that another worker has open stays."""
    client, staying = hub.client(), hub.engine()
    lost = EngineClient(client, spec())
    lost.submit(sequence(LONG), None)
    wait_until(lambda: _running(hub) == 1, "the flight")
    client.close()
    wait_until(lambda: _running(hub) == 0, "the flight's end")
    assert len(_drawn(staying, 3).ids) == 3


def test_an_engine_that_cannot_be_opened(
    hub: HubInThreads, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A version that cannot be opened is an error for the worker, and is tried again when asked again."""

    def fail(_: object) -> ScriptedEngine:
        raise ValueError("a scripted failure")

    with monkeypatch.context() as patched:
        patched.setattr(shared_engine, "_open_engine", fail)
        with pytest.raises(ModelUnavailable, match="cannot open scripted"):
            hub.engine()
    assert hub.engine().alive


def test_a_failed_step_fails_its_sequences(
    hub: HubInThreads, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When a step raises, its sequences end with an error, and the next one runs."""
    engine = hub.engine()

    def fail(_batch: ScriptedBatch, _ids: np.ndarray) -> np.ndarray:
        raise ValueError("a scripted failure")

    with monkeypatch.context() as patched:
        patched.setattr(ScriptedBatch, "step", fail)
        with pytest.raises(EngineFailed):
            _drawn(engine, 3).wait(3, SECONDS)
    assert len(_drawn(engine, 3).ids) == 3


@pytest.mark.parametrize(
    "change",
    [
        {"start": Start(np.array([VOCABULARY_SIZE]))},
        {"start": Start(np.array([], np.int64))},
        {"start": Start(np.array([1]), state=np.zeros((7, 7), np.float32))},
        {"automaton": automaton_of("ab", ("a", "b"), "")},
    ],
    ids=["unknown id", "no prompt", "a state of another model", "a pattern of another model"],
)
def test_a_sequence_that_cannot_be_drawn_fails_alone(
    hub: HubInThreads, change: dict[str, Any]
) -> None:
    """What would break a step is refused before, so that the other rows go on."""
    engine, innocent = hub.engine(), sequence(4_000)
    bad = Sequence(replace(innocent.job, **change))
    for each in (innocent, bad):
        engine.submit(each, None)
    with pytest.raises(EngineFailed):
        bad.wait(5, SECONDS)
    assert innocent.wait(4_000, SECONDS)
    assert len(innocent.ids) == 4_000


@pytest.mark.parametrize("given", [[1, VOCABULARY_SIZE], [1], [1, -1]])
def test_a_text_that_cannot_be_scored_fails_alone(hub: HubInThreads, given: list[int]) -> None:
    """A given text needs ids of the vocabulary, as many as the job has characters."""
    bad = sequence(2, given=np.array(given), wants_details=True)
    hub.engine().submit(bad, None)
    with pytest.raises(EngineFailed):
        bad.wait(2, SECONDS)


def test_a_hub_that_dies_is_an_interruption(hub: HubInThreads) -> None:
    """The next hub draws running sequences again, with the same characters, also for followers."""
    engine = hub.engine()
    expected = _drawn(engine, 6_000).ids.tolist()
    running = [sequence(6_000) for _ in range(2)]
    for each in running:
        engine.submit(each, "key")
    assert running[0].wait(1, SECONDS)
    before = running[0].ids.tolist()
    hub.die()
    for each in running:
        assert each.wait(6_000, SECONDS)
        assert each.ids.tolist() == expected
    assert before == expected[: len(before)]
    assert engine.alive


def test_a_text_with_a_pattern_survives_its_hub(hub: HubInThreads) -> None:
    """The next hub draws a text with a pattern again, in the right state of the pattern."""
    engine = hub.engine()
    # Each group has one place for ids 0 to 4, and then one for the others.
    automaton = automaton_of("(?:[a-e][f-k]){1900}", tuple("abcdefghijk"), "")
    running, expected = (sequence(3_800, automaton=automaton) for _ in range(2))
    engine.submit(running, None)
    assert running.wait(1, SECONDS)
    hub.die()
    assert running.wait(3_800, SECONDS)
    engine.submit(expected, None)
    assert expected.wait(3_800, SECONDS)
    assert running.ids.tolist() == expected.ids.tolist()
    assert ((running.ids >= 5) == np.tile([False, True], 1_900)).all()


def test_a_sequence_that_kills_every_hub_ends(hub: HubInThreads) -> None:
    """A sequence is drawn a few times and then fails, so that no request kills hubs for ever."""
    engine, deadly = hub.engine(), sequence(LONG)
    engine.submit(deadly, None)
    for _ in range(MAX_DRAWS):
        wait_until(lambda: _running(hub) == 1 if hub.hub._engines else False, "the flight")
        hub.die()
    with pytest.raises(EngineFailed):
        deadly.wait(LONG, SECONDS)


def test_an_engine_that_is_lost_with_its_hub(
    hub: HubInThreads, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An engine that the next hub cannot open ends its sequences with an error, and is not alive."""
    engine, lost = hub.engine(), sequence(LONG)
    engine.submit(lost, None)

    def fail(_: object) -> ScriptedEngine:
        raise ValueError("a scripted failure")

    monkeypatch.setattr(shared_engine, "_open_engine", fail)
    hub.die()
    with pytest.raises(EngineFailed):
        lost.wait(LONG, SECONDS)
    assert not engine.alive


def test_an_engine_whose_files_were_replaced_is_lost(
    hub: HubInThreads, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An engine that computes other numbers in the next hub draws no sequence on, and is closed there."""

    class OtherBatch(ScriptedBatch):
        def step(self, ids: np.ndarray) -> np.ndarray:
            return -super().step(ids)

    class OtherEngine(ScriptedEngine):
        def batch(self, capacity: int) -> ScriptedBatch:
            return OtherBatch(capacity)

    engine, running = hub.engine(), sequence(LONG)
    engine.submit(running, None)
    assert running.wait(1, SECONDS)
    monkeypatch.setattr(shared_engine, "_open_engine", lambda _: OtherEngine())
    hub.die()
    with pytest.raises(EngineFailed, match="files were replaced"):
        running.wait(LONG, SECONDS)
    assert not engine.alive
    wait_until(lambda: not hub.hub._engines, "the engine's end")


def test_a_closed_worker_ends_what_runs(hub: HubInThreads) -> None:
    """Closing the client or the engine ends running sequences with `Draining`."""
    client = hub.client()
    engines = [EngineClient(client, spec()) for _ in range(2)]
    running = [sequence(LONG) for _ in engines]
    for engine, each in zip(engines, running, strict=True):
        engine.submit(each, None)
    engines[0].close()
    with pytest.raises(Draining):
        running[0].wait(LONG, SECONDS)
    client.close()
    with pytest.raises(Draining):
        running[1].wait(LONG, SECONDS)
    with pytest.raises(Draining):
        engines[1].submit(sequence(3), None)


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


def test_an_inspection_survives_its_hub(hub: HubInThreads) -> None:
    """The next hub reads again what was being read, and what was asked for before it had the engine."""
    client = hub.client()
    engine, text = EngineClient(client, spec()), np.ones(9_000, np.int64)
    with ThreadPoolExecutor(2) as pool:
        readings = [pool.submit(engine.inspect, text, Look(0), SECONDS)]
        wait_until(lambda: not engine.idle, "the inspection")
        hub.die()
        wait_until(lambda: not engine.ready, "the end of the hub")
        readings.append(pool.submit(engine.inspect, text[:3], Look(0), SECONDS))
        lengths = [len(reading.result().cell) for reading in readings]
    assert lengths == [9_000, 3]


def test_an_inspection_that_kills_every_hub_ends(
    hub: HubInThreads, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A text is read a few times, and then the client is told to come back later."""
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
        with pytest.raises(ModelUnavailable, match="died each time"):
            reading.result()
        gate.set()


def test_workers_share_the_memory(hub: HubInThreads) -> None:
    """What one worker keeps another finds, the first of several keys; a new hub knows nothing."""
    one, other = SharedMemory(hub.client()), SharedMemory(hub.client())
    one.set({"a": b"1", "b": b"2"})
    wait_until(lambda: other.get("b") == b"2", "the value")
    assert other.find(["x", "a", "b"]) == ("a", b"1")
    assert other.find(["x"]) is None
    assert other.find([]) is None
    hub.die()
    wait_until(lambda: one.get("a") is None, "the empty memory of the next hub")


@pytest.mark.parametrize("what", ["generation", "inspection"])
def test_a_hub_in_a_step_that_hangs_is_not_healthy(
    hub: HubInThreads, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """The health of the hub depends on the steps of generations and of inspections."""
    engine, gate, step = hub.engine(), threading.Event(), ScriptedBatch.step

    def hang(batch: ScriptedBatch, ids: np.ndarray) -> np.ndarray:
        assert gate.wait(SECONDS)
        return step(batch, ids)

    monkeypatch.setattr(ScriptedBatch, "step", hang)
    monkeypatch.setattr(shared_engine, "LONGEST_STEP", 0.0)
    assert hub.hub.healthy
    with ThreadPoolExecutor(1) as pool:
        if what == "generation":
            pool.submit(_drawn, engine, 3)
        else:
            pool.submit(engine.inspect, np.array([1]), Look(0), SECONDS)
        wait_until(lambda: not hub.hub.healthy, "an unhealthy hub")
        gate.set()
    wait_until(lambda: hub.hub.healthy, "a healthy hub")
