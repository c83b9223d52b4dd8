"""The engine's process takes orders from a connection and reports to the connection."""

import threading
from collections.abc import Iterator
from multiprocessing import Pipe
from typing import Any

import numpy as np
import pytest

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
from service.engine.process import EngineProcess
from service.stream.generation import Sampling
from service.stream.job import Job, Start
from tests.fakes import VOCABULARY_SIZE, ScriptedBatch, ScriptedEngine

SPEC = EngineSpec(
    "scripted", "", slots=2, threads=2, tape_length=100_000, vocabulary_size=VOCABULARY_SIZE
)
STEPS = [np.array([1, 2]), np.array([3]), np.array([4, 5])]
LONG = 99_000  # more characters than a test waits for


def _job(length: int) -> Job:
    return Job(Start(np.array([1, 2])), Sampling(1.0, None, None, 0), end=length)


class _Running:
    """A process whose orders are taken in a thread of the test."""

    def __init__(self) -> None:
        self.connection, theirs = Pipe()
        self.connection.send(Walk(STEPS))
        self.process = EngineProcess(ScriptedEngine(), SPEC, theirs)
        self.ready = self.connection.recv()
        self._thread = threading.Thread(target=self.process.run)
        self._thread.start()

    def order(self, *orders: object) -> None:
        for order in orders:
            self.connection.send(order)

    def report(self) -> Any:
        assert self.connection.poll(5), "no report came"
        return self.connection.recv()

    def close(self) -> None:
        self.connection.close()
        self._thread.join()


@pytest.fixture
def running() -> Iterator[_Running]:
    made = _Running()
    yield made
    made.close()


def test_the_walk_comes_first(running: _Running) -> None:
    """The first report has the logits of each step of the walk, and the states at its end."""
    batch = ScriptedBatch(2)
    expected = [batch.step(ids).copy() for ids in STEPS]
    assert isinstance(running.ready, Ready)
    assert all(map(np.array_equal, running.ready.logits, expected))
    assert np.array_equal(running.ready.states, batch.state)


def test_a_job_is_drawn(running: _Running) -> None:
    """A submitted job is admitted, delivered in one piece and finished, under its number."""
    running.order(Submit(7, _job(5), followed=False))
    admitted, delivered, finished = (running.report() for _ in range(3))
    assert isinstance(admitted, Admitted)
    assert isinstance(delivered, Delivered)
    assert isinstance(finished, Finished)
    assert {report.number for report in (admitted, delivered, finished)} == {7}
    assert len(delivered.ids) == 5
    assert finished.ending is not None
    assert finished.ending.state is not None
    assert finished.ending.last_time >= finished.ending.first_time >= admitted.time


def test_workers_share_the_jobs(running: _Running) -> None:
    """Two jobs run at once, one in each worker's slot."""
    running.order(Submit(0, _job(LONG), followed=False), Submit(1, _job(LONG), followed=False))
    reports = [running.report() for _ in range(2)]
    assert [type(report) for report in reports] == [Admitted, Admitted]
    running.order(Abort(0), Abort(1))


def test_a_followed_sequence_is_delivered_before_its_end(running: _Running) -> None:
    """A reader who starts to follow gets characters while the sequence runs."""
    running.order(Submit(0, _job(LONG), followed=False))
    assert isinstance(running.report(), Admitted)
    running.order(Follow(0))
    assert isinstance(running.report(), Delivered)
    running.order(Abort(0))


def test_an_aborted_sequence_ends(running: _Running) -> None:
    """An abort ends a running sequence with the characters drawn up to then."""
    running.order(Submit(0, _job(LONG), followed=False))
    assert isinstance(running.report(), Admitted)
    running.order(Abort(0))
    reports = [running.report()]
    while not isinstance(reports[-1], Finished):
        reports.append(running.report())
    assert sum(len(report.ids) for report in reports[:-1]) < LONG


def test_orders_for_ended_sequences_are_ignored(running: _Running) -> None:
    """An order that crosses the end of its sequence changes nothing."""
    running.order(Submit(0, _job(1), followed=False))
    assert [type(running.report()) for _ in range(3)] == [Admitted, Delivered, Finished]
    running.order(Follow(0), Abort(0), Submit(1, _job(1), followed=False))
    assert [running.report().number for _ in range(3)] == [1, 1, 1]


class _EndsOnLookup(dict[int, Any]):
    """Sequences that end between a look for the number and the next."""

    def __contains__(self, number: Any) -> bool:
        return self.pop(number, None) is not None


def test_a_sequence_may_end_while_its_order_is_taken(running: _Running) -> None:
    """A sequence that a worker removes in the middle of an order does not end the process."""
    running.process._sequences = _EndsOnLookup()
    running.order(Submit(0, _job(LONG), followed=False), Follow(0), Inspect(1, np.array([1]), 0))
    while not isinstance(running.report(), Inspected):
        pass
    running.order(Abort(0))


def test_a_failed_step_fails_its_sequences(
    running: _Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When a step raises, running sequences finish without an ending, and the next one runs."""

    def fail(_batch: ScriptedBatch, _ids: np.ndarray) -> np.ndarray:
        raise ValueError("a scripted failure")

    with monkeypatch.context() as patched:
        patched.setattr(ScriptedBatch, "step", fail)
        running.order(Submit(0, _job(3), followed=False))
        assert isinstance(running.report(), Admitted)
        assert running.report() == Finished(0, None)
    running.order(Submit(1, _job(3), followed=False))
    assert [type(running.report()) for _ in range(3)] == [Admitted, Delivered, Finished]


def test_an_inspection_reads_every_character(running: _Running) -> None:
    """A reading has the hidden state, cell state and likeliest characters after each id."""
    ids = np.array([1, 2, 3])
    running.order(Inspect(4, ids, 0))
    report = running.report()
    assert isinstance(report, Inspected)
    assert report.number == 4
    assert report.reading is not None
    assert report.reading.cell[:, 0].tolist() == [1, 2, 3]  # the scripted cell state counts
    batch, hidden = ScriptedBatch(1), []
    for n in range(3):
        batch.step(ids[n : n + 1])
        hidden.append(batch.state[0, 0, 0])
    assert report.reading.hidden[:, 0].tolist() == hidden
    assert (report.reading.likely.top_ids < VOCABULARY_SIZE).all()


def test_a_failed_inspection_is_reported(running: _Running) -> None:
    """An inspection of a layer that the model lacks is reported without a reading."""
    running.order(Inspect(4, np.array([1]), layer=9))
    assert running.report() == Inspected(4, None)


def test_a_closed_connection_ends_the_process() -> None:
    """The process ends in the middle of a sequence when the service closes the connection."""
    running = _Running()
    running.order(Submit(0, _job(LONG), followed=False))
    assert isinstance(running.report(), Admitted)
    running.close()
