"""The client ends each sequence once, whenever the process dies or the client is closed."""

import socket
import threading
from collections.abc import Iterator
from multiprocessing.connection import Connection
from typing import Any

import numpy as np
import pytest

from model_store import fingerprint, steps_to_walk
from service.engine import client as client_module
from service.engine.client import MAX_INSPECTIONS, EngineClient
from service.engine.messages import (
    Abort,
    Admitted,
    Delivered,
    EngineSpec,
    Finished,
    Follow,
    Inspect,
    Inspected,
    Ready,
    Submit,
    Walk,
)
from service.errors import DeadlineExceeded, Draining, EngineFailed, QueueFull, ServiceError
from service.stream.details import Details, Reading
from service.stream.generation import Sampling
from service.stream.job import Ending, Job, Start
from service.stream.sequence import Sequence
from tests.servers import wait_until

SPEC = EngineSpec("onnx", "model.onnx", slots=2, threads=1, tape_length=100, vocabulary_size=7)
QUEUE = 1
SECONDS = 5.0
IDS = np.array([3, 1, 4])


class _Process:
    """A process that ends at once."""

    def wait(self, _timeout: float | None = None) -> int:
        return 0


class _Counts:
    """Telemetry that writes down the events."""

    def __init__(self) -> None:
        self.events: list[str] = []

    def queued(self) -> None:
        self.events.append("queued")

    def started(self, rows: int) -> None:
        self.events.append(f"started beside {rows}")

    def ended(self, sequence: Sequence) -> None:
        self.events.append(f"{sequence.stage}")


class _Engine:
    """A client, and the engine's end of its connection, at which the test reports by hand."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        ours, theirs = socket.socketpair()
        self.connection = Connection(theirs.detach())
        self.connection.send(Ready([], np.zeros((2, 1, 3), np.float32)))
        monkeypatch.setattr(client_module, "_start", lambda spec: (_Process(), ours))
        self.counts = _Counts()
        telemetry: Any = self.counts
        self.client = EngineClient(SPEC, QUEUE, telemetry)
        self.walk = self.connection.recv()

    def submit(self, length: int = 3) -> tuple[Sequence, int]:
        """Submit a sequence; return the sequence and its number."""
        sequence = Sequence(Job(Start(np.array([1])), Sampling(1.0, None, None, 0), end=length))
        self.client.submit(sequence)
        order = self.connection.recv()
        assert isinstance(order, Submit)
        return sequence, order.number


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[_Engine]:
    made = _Engine(monkeypatch)
    yield made
    if made.client.alive:
        made.client.close()
    made.connection.close()


def _error(sequence: Sequence) -> type[ServiceError]:
    """The type of the error that ends a sequence."""
    with pytest.raises(ServiceError) as caught:
        sequence.wait(len(sequence.job), SECONDS)
    return type(caught.value)


def test_the_engine_walks_first(engine: _Engine) -> None:
    """The first order is the fixed path for the vocabulary, and the answer is hashed."""
    assert isinstance(engine.walk, Walk)
    assert all(map(np.array_equal, engine.walk.steps, steps_to_walk(SPEC.vocabulary_size)))
    assert engine.client.fingerprint == fingerprint([], np.zeros((2, 1, 3), np.float32))


def test_reports_reach_their_sequence(engine: _Engine) -> None:
    """A sequence gets its characters and its ending, and every step is counted."""
    sequence, number = engine.submit()
    ending = Ending(None, [], 2.0, 3.0)
    for report in (Admitted(number, 1.0), Delivered(number, IDS, None), Finished(number, ending)):
        engine.connection.send(report)
    sequence.wait_for_end(SECONDS)
    assert sequence.wait(3, SECONDS)
    assert sequence.ids.tolist() == IDS.tolist()
    assert sequence.ending == ending
    engine.client.close()
    assert engine.counts.events == ["queued", "started beside 1", "ended"]


def test_a_full_queue_refuses(engine: _Engine) -> None:
    """Where every slot and queue place is taken, a sequence is refused until another ends."""
    (_, number), *_ = [engine.submit() for _ in range(SPEC.slots + QUEUE)]
    with pytest.raises(QueueFull):
        engine.submit()
    sequence = next(iter(engine.client._sequences.values()))
    engine.connection.send(Finished(number, Ending()))
    sequence.wait_for_end(SECONDS)
    engine.submit()


def test_readers_are_reported_to_the_engine(engine: _Engine) -> None:
    """A reader who wants a character before the end, or no more, is an order to the engine."""
    sequence, number = engine.submit()
    assert not sequence.wait(1, timeout=0)
    sequence.cancel()
    assert [engine.connection.recv() for _ in range(2)] == [Follow(number), Abort(number)]


def test_a_failed_generation_is_an_error(engine: _Engine) -> None:
    """A sequence that the engine has failed ends with `EngineFailed`; the client lives on."""
    sequence, number = engine.submit()
    engine.connection.send(Finished(number, None))
    assert _error(sequence) is EngineFailed
    assert engine.client.alive


def test_a_dead_process_ends_what_runs(engine: _Engine) -> None:
    """When the process dies, its sequences end with `EngineFailed`, and so does every later one."""
    sequence, _ = engine.submit()
    engine.connection.close()
    assert _error(sequence) is EngineFailed
    assert not engine.client.alive
    with pytest.raises(EngineFailed):
        engine.client.submit(sequence)
    engine.client.close()


def test_a_closed_client_ends_what_runs(engine: _Engine) -> None:
    """Closing ends running sequences with `Draining`, and refuses later ones."""
    sequence, _ = engine.submit()
    engine.client.close()
    assert _error(sequence) is Draining
    with pytest.raises(Draining):
        engine.client.submit(sequence)


def test_closing_in_the_middle_of_a_report(
    engine: _Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client that is closed while a report is taken ends the sequence once, after that report."""
    sequence, number = engine.submit()
    closing, closed = threading.Thread(target=engine.client.close), threading.Event()

    def close_meanwhile(_time: float) -> None:
        closing.start()
        wait_until(lambda: not engine.client.alive, "the client to be closing")
        closed.set()

    monkeypatch.setattr(sequence, "admit", close_meanwhile)
    engine.connection.send(Admitted(number, 1.0))
    assert closed.wait(SECONDS)
    closing.join()
    assert engine.counts.events == ["queued", "started beside 0", "ended"]
    assert _error(sequence) is Draining


def test_inspections(engine: _Engine) -> None:
    """A reading is returned, a failure is `EngineFailed`, and one that takes long is given up."""
    reading = Reading(np.zeros((3, 2), "f4"), np.zeros((3, 2), "f4"), Details.empty(3, 5))

    def answer() -> None:
        for given in (reading, None):
            order = engine.connection.recv()
            assert isinstance(order, Inspect)
            engine.connection.send(Inspected(order.number, given))

    thread = threading.Thread(target=answer)
    thread.start()
    assert engine.client.inspect(IDS, 0, SECONDS).likely.top_ids.shape == (3, 5)
    with pytest.raises(EngineFailed):
        engine.client.inspect(IDS, 0, SECONDS)
    thread.join()
    with pytest.raises(DeadlineExceeded):
        engine.client.inspect(IDS, 0, seconds=0)


def test_too_many_inspections(engine: _Engine) -> None:
    """Inspections that are not finished count, also after their readers have gone."""
    for _ in range(MAX_INSPECTIONS):
        with pytest.raises(DeadlineExceeded):
            engine.client.inspect(IDS, 0, seconds=0)
    with pytest.raises(QueueFull):
        engine.client.inspect(IDS, 0, SECONDS)
