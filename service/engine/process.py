"""The engine's own process, started by `service.engine.client`.

In one process, Python threads that answer requests would take the interpreter's lock from the engine
at every step: see "Process model" in docs/performance.md.
"""

import json
import logging
import logging.config
import signal
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

from service.engine.batch import Engine
from service.engine.explain import describe
from service.engine.messages import (
    Abort,
    Admitted,
    Delivered,
    EngineSpec,
    Finished,
    Follow,
    Inspect,
    Inspected,
    Order,
    Ready,
    Report,
    Submit,
    Walk,
)
from service.engine.onnx_engine import OnnxEngine
from service.engine.scheduler import Scheduled, Scheduler
from service.engine.worker import Worker
from service.logs import configuration
from service.stream.details import Details, Reading
from service.stream.job import Ending, Ids

log = logging.getLogger(__name__)


class ReportedSequence:
    """A sequence whose readers are in the service's process."""

    def __init__(self, order: Submit, report: Callable[[Report], None]) -> None:
        self.job = order.job
        self.followed = order.followed
        self._number = order.number
        self._report = report

    def admit(self, time: float) -> None:
        """Report the monotonic time at which the sequence got its slot."""
        self._report(Admitted(self._number, time))

    def deliver(self, ids: Ids, details: Details | None) -> None:
        """Report the next characters."""
        self._report(Delivered(self._number, ids, details))

    def finish(self, ending: Ending | None) -> None:
        """Report the ending, or None when the engine failed."""
        self._report(Finished(self._number, ending))


class EngineProcess:
    """Workers that share an engine, and the sequences that they run."""

    def __init__(self, engine: Engine, spec: EngineSpec, connection: Connection) -> None:
        """Start the workers, then take the order to walk and report the walk."""
        self._engine = engine
        # One thread runs all inspections, so an inspection never delays a generation.
        self._inspector = ThreadPoolExecutor(1, "inspector")
        self._connection = connection
        self._sending = threading.Lock()
        self._workers = [_worker(engine, spec, number) for number in range(spec.threads)]
        # Added to by the thread of `run`, removed from by the workers' threads.
        self._sequences: dict[int, tuple[Scheduled, Worker]] = {}
        self._report(_walk(engine, connection.recv()))

    def run(self) -> None:
        """Take orders until the service closes the connection or has died."""
        try:
            while True:
                self._take(self._connection.recv())
        except (EOFError, ConnectionResetError):
            self._inspector.shutdown(cancel_futures=True)
            for worker in self._workers:
                worker.close()

    def _take(self, order: Order) -> None:
        if isinstance(order, Submit):
            self._submit(order)
        elif isinstance(order, Inspect):
            self._inspector.submit(self._inspect, order)
        else:
            self._change(order)

    def _submit(self, order: Submit) -> None:
        worker = min(self._workers, key=lambda worker: worker.load)
        sequence = ReportedSequence(order, self._report)
        self._sequences[order.number] = sequence, worker
        worker.submit(sequence)

    def _change(self, order: Follow | Abort) -> None:
        """Follow or abort a sequence, unless the sequence has ended meanwhile."""
        found = self._sequences.get(order.number)
        if found is None:
            return
        sequence, worker = found
        if isinstance(order, Follow):
            sequence.followed = True
        else:
            worker.cancel(sequence)

    def _inspect(self, order: Inspect) -> None:
        reading = None
        try:
            reading = _read(self._engine, order.ids, order.layer)
        except Exception:
            log.exception("an inspection failed")
        self._report(Inspected(order.number, reading))

    def _report(self, report: Ready | Report) -> None:
        if isinstance(report, Finished):
            self._sequences.pop(report.number, None)
        with self._sending, suppress(OSError):  # a service that has died needs no report
            self._connection.send(report)


def _open_engine(spec: EngineSpec) -> Engine:
    if spec.kind == "onnx":
        return OnnxEngine(Path(spec.path))
    from service.engine.tensorflow_engine import TensorFlowEngine  # noqa: PLC0415 - takes seconds

    return TensorFlowEngine(Path(spec.path))


def _walk(engine: Engine, order: Walk) -> Ready:
    batch = engine.batch(max(map(len, order.steps)))
    logits = [batch.step(ids).copy() for ids in order.steps]
    return Ready(logits, batch.state)


def _read(engine: Engine, ids: Ids, layer: int) -> Reading:
    """Feed ids [N] to a batch of one row, and return a layer's states and details after each."""
    batch = engine.batch(1)
    hidden = engine.states.index(f"h{layer}")
    # An LSTM has a cell state beside the hidden state; the other cells have the hidden state alone.
    cell = engine.states.index(f"c{layer}") if f"c{layer}" in engine.states else hidden
    states = np.empty((len(ids), 2, batch.state.shape[2]), np.float32)  # hidden, cell
    logits = np.empty((len(ids), engine.vocabulary_size), np.float32)
    for place in range(len(ids)):
        logits[place] = batch.step(ids[place : place + 1])[0]
        states[place] = batch.state[[hidden, cell], 0]
    return Reading(states[:, 0], states[:, 1], describe(logits, logits.argmax(axis=1)))


def _worker(engine: Engine, spec: EngineSpec, number: int) -> Worker:
    slots = -(-spec.slots // spec.threads)  # rounded up
    batch = engine.batch(slots)
    # The first step allocates memory, for which no request should wait.
    batch.step(np.zeros(slots, np.int64))
    batch.state[:] = 0
    scheduler = Scheduler(
        batch,
        capacity=slots,
        tape_length=spec.tape_length,
        vocabulary_size=engine.vocabulary_size,
    )
    return Worker(scheduler, name=f"engine-{number}")


def main() -> None:
    """Serve the connection whose file descriptor and spec are the two arguments."""
    # Signals such as Ctrl-C reach the whole group; this process ends when its service does.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    logging.config.dictConfig(configuration())
    descriptor, text = sys.argv[1:]
    try:
        spec = EngineSpec(**json.loads(text))
        process = EngineProcess(_open_engine(spec), spec, Connection(int(descriptor)))
    except Exception:
        log.exception("the engine cannot be started")
        sys.exit(1)
    process.run()


if __name__ == "__main__":
    main()
