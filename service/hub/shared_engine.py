"""An engine of the hub: its threads, its queue and its flights, for all workers that opened it."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from service.engine.batch import DRAWN, Engine
from service.engine.inspection.reading import read
from service.engine.onnx_engine import OnnxEngine
from service.engine.schedule.scheduler import Scheduler
from service.engine.schedule.waiting import FairQueue
from service.engine.watch import Watch
from service.engine.worker import Worker
from service.hub.flight import Flight, Reader
from service.hub.messages import (
    EngineSpec,
    Finished,
    Inspect,
    Inspected,
    Open,
    Refused,
    Report,
)
from service.hub.pulse import LONGEST_STEP
from service.hub.work import seconds_too_many
from service.pool import Pool
from service.stream.job import Ending, Ids, Job, State

log = logging.getLogger(__name__)

Send = Callable[[Report], None]


@dataclass(frozen=True)
class Walked:
    """The logits [B, V] of each step of a walk, and the states [parts, rows, units] after the last."""

    logits: list[State]
    states: State


class Inspector:
    """Reads texts in a thread, one after the other, so that no inspection delays a generation."""

    def __init__(self, engine: Engine, graph: str) -> None:
        """Take the engine, and the path of a step graph with the same weights."""
        self._engine, self._graph = engine, graph
        self.watch = Watch()
        """Measures the steps of the engine."""
        self._thread = Pool(1, "inspector")

    def inspect(self, order: Inspect, send: Send) -> None:
        """Read a text in the background, and report the reading."""
        self._thread.submit(partial(self._inspect, order, send))

    def close(self) -> None:
        """End the thread after its current inspection."""
        self._thread.close()

    def _inspect(self, order: Inspect, send: Send) -> None:
        reading = None
        try:
            reading = read(self._engine, self._graph, order.ids, order.look, self.watch)
        except Exception:
            log.exception("an inspection failed")
        send(Inspected(order.number, reading))


class SharedEngine:
    """An open engine; safe to use from any thread."""

    def __init__(self, order: Open) -> None:
        """Open the engine, let the engine walk, and start its threads."""
        self.spec = spec = order.spec
        self._engine = _open_engine(spec)
        self.walked = _walk(self._engine, order.walk)
        self._queue = FairQueue()
        self._workers: list[Worker] = []
        for number in range(spec.threads):
            self._workers.append(self._worker(number))
        self._inspector = Inspector(self._engine, spec.graph)
        # All flights, and the latest flight of each key that readers may share.
        self._flights: set[Flight] = set()
        self._shared: dict[str, Flight] = {}
        self._lock = threading.Lock()

    @property
    def healthy(self) -> bool:
        """Whether no step hangs."""
        watches = [self._inspector.watch, *(worker.watch for worker in self._workers)]
        return all(watch.seconds <= LONGEST_STEP for watch in watches)

    def submit(self, reader: Reader, key: str | None) -> None:
        """Let a reader join a flight with the same key, or else start a flight.

        A reader is refused where the queue is full, or too long for the time that the reader has.
        """
        if not self._fits(reader.job):
            log.error("a sequence that the model cannot draw was refused")
            reader.send(Finished(reader.number, None, shared=False))
            return
        with self._lock:
            shared = None if key is None else self._shared.get(key)
            if shared is not None and shared.join(reader):
                return
            capacity = self.spec.slots + self.spec.queue
            seconds = seconds_too_many(reader, self._flights, capacity, self._pace())
            if seconds is not None:
                reader.send(Refused(reader.number, seconds))
                return
            flight = Flight(reader, self._engine.vocabulary_size, self._rows, self._forget)
            self._flights.add(flight)
            if key is not None:
                self._shared[key] = flight
        self._queue.append(flight)
        for worker in self._workers:
            worker.wake()

    def leave(self, reader: Reader) -> None:
        """Take a reader out of the reader's flight; a flight without readers ends."""
        flight = reader.flight
        if flight is not None and flight.leave(reader):
            flight.aborted = True
            if self._queue.discard(flight):
                flight.finish(Ending())

    def inspect(self, order: Inspect, send: Send) -> None:
        """Read a text in the background, and report the reading."""
        self._inspector.inspect(order, send)

    def close(self) -> None:
        """End the threads; running flights are not finished."""
        self._inspector.close()
        for worker in self._workers:
            worker.close()

    def _worker(self, number: int) -> Worker:
        slots = -(-self.spec.slots // self.spec.threads)  # rounded up
        batch = self._engine.batch(slots)
        # The first draw allocates memory, for which no request should wait.
        batch.run(
            np.zeros(slots, np.int64),
            np.full((1, slots), DRAWN),
            np.zeros((1, slots)),
            np.ones(slots, np.float32),
        )
        batch.state[:] = 0
        scheduler = Scheduler(
            batch,
            capacity=slots,
            tape_length=self.spec.tape_length,
            vocabulary_size=self._engine.vocabulary_size,
            waiting=self._queue,
            fair_rows=self._fair_rows,
        )
        return Worker(scheduler, name=f"engine-{number}")

    def _pace(self) -> float | None:
        """Return the characters per second of full batches; None before every batch has been full."""
        paces = [worker.pace for worker in self._workers]
        return None if None in paces else sum(filter(None, paces))

    def _rows(self) -> int:
        return sum(worker.rows for worker in self._workers)

    def _fair_rows(self) -> int:
        """Return the rows of a worker where all workers have equally many."""
        return -(-(self._rows() + len(self._queue)) // self.spec.threads)

    def _forget(self, flight: Flight) -> None:
        with self._lock:
            self._flights.discard(flight)
            for key in [key for key, shared in self._shared.items() if shared is flight]:
                del self._shared[key]

    def _fits(self, job: Job) -> bool:
        """Return whether a job can be drawn: a step that fails would end every row of the batch."""
        start, prompt = job.start, job.start.prompt
        ids = prompt if job.given is None else np.concatenate([prompt, job.given])
        shape = self.walked.states.shape[0], self.walked.states.shape[2]
        return (
            (start.state is None or start.state.shape == shape)
            and 0 < len(prompt) <= self.spec.tape_length - len(job)
            and len(job) > 0
            and (job.given is None or len(job.given) == len(job))
            and ids.min() >= 0
            and ids.max() < self._engine.vocabulary_size
            and (job.automaton is None or job.automaton.fits(self._engine.vocabulary_size))
        )


def _open_engine(spec: EngineSpec) -> Engine:
    if spec.kind == "onnx":
        return OnnxEngine(Path(spec.path))
    from service.engine.tensorflow_engine import TensorFlowEngine  # noqa: PLC0415 - takes seconds

    return TensorFlowEngine(Path(spec.path))


def _walk(engine: Engine, steps: list[Ids]) -> Walked:
    batch = engine.batch(max(map(len, steps)))
    return Walked([batch.step(ids).copy() for ids in steps], batch.state)
