"""Workers share the engines, flights and memory of one hub, and survive the hub's death."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from service.errors import ModelUnavailable, QueueFull
from service.hub import shared_engine
from service.hub.messages import EngineSpec
from service.hub.worker.engine_client import EngineClient
from service.hub.worker.shared_memory import SharedMemory
from service.telemetry import Telemetry
from tests.fakes import ScriptedEngine
from tests.hubs import (
    LONG,
    SECONDS,
    HubInThreads,
    drawn_by,
    gated,
    running_in,
    sequence,
    spec,
    value_of,
)
from tests.servers import wait_until


def test_a_sequence_is_drawn(hub: HubInThreads) -> None:
    """A sequence gets its characters, its end state and its times, and is counted."""
    telemetry = Telemetry()
    engine = EngineClient(hub.client(telemetry), spec())
    drawn = drawn_by(engine, 5, wants_details=True)
    assert drawn.wait(5, SECONDS)
    assert drawn.details is not None
    assert (len(drawn.ids), len(drawn.details)) == (5, 5)
    assert drawn.ending is not None
    assert drawn.ending.state is not None
    assert set(drawn.seconds()) == {"queue", "prefill", "decode"}
    assert not drawn.shared
    assert value_of(telemetry, "charloom_generated_characters_total") == 5
    assert value_of(telemetry, "charloom_running") == value_of(telemetry, "charloom_waiting") == 0


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
    assert len(drawn_by(second, 3).ids) == 3
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


def test_readers_in_two_workers_share_a_flight(
    hub: HubInThreads, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Equal streams of two workers are drawn once; one of the readers is told to keep the result."""
    expected = drawn_by(hub.engine(), 400).ids.tolist()
    gate = gated(monkeypatch)
    readers = [sequence(400), sequence(400)]
    for reader in readers:
        hub.engine().submit(reader, "key")
    wait_until(lambda: all(reader.admitted for reader in readers), "the readers' flight")
    assert running_in(hub) == 1
    gate.set()
    for reader in readers:
        assert reader.wait(400, SECONDS)
        assert reader.ids.tolist() == expected
    assert sorted(reader.shared for reader in readers) == [False, True]


def test_a_full_queue_refuses(hub: HubInThreads) -> None:
    """The slots and the queue are one for all workers; a reader beyond them is refused."""
    small = spec(slots=2, queue=1)
    engines = [hub.engine(small) for _ in range(2)]
    waiting = [sequence(LONG) for _ in range(3)]
    for number, each in enumerate(waiting):
        engines[number % 2].submit(each, None)
    wait_until(lambda: running_in(hub) == 3, "three flights")
    waiting.sort(key=lambda each: each.admitted is None)  # the one in the queue is the last
    with pytest.raises(QueueFull):
        drawn_by(engines[0], 3).wait(3, SECONDS)
    for each in waiting[1:]:
        each.cancel()
        each.wait_for_end(SECONDS)
    assert len(drawn_by(engines[1], 3).ids) == 3


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
    wait_until(lambda: running_in(hub) == 1, "the flight")
    client.close()
    wait_until(lambda: running_in(hub) == 0, "the flight's end")
    assert len(drawn_by(staying, 3).ids) == 3


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


def test_an_engine_that_is_waited_for_no_longer_is_closed(
    hub: HubInThreads, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An engine that opens after the worker has given up does not stay open for nobody."""
    gate = threading.Event()

    def open_slowly(_: object) -> ScriptedEngine:
        assert gate.wait(SECONDS)
        return ScriptedEngine()

    monkeypatch.setattr(shared_engine, "_open_engine", open_slowly)
    monkeypatch.setattr("service.hub.worker.client.SECONDS_TO_OPEN", 0.05)
    with pytest.raises(ModelUnavailable):
        hub.engine()
    assert hub.hub._engines
    gate.set()
    wait_until(lambda: not hub.hub._engines, "the engine's end")


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
