"""The engine's own process, started and spoken to by `engine_client`.

Python threads that answer requests would otherwise take the interpreter's lock from the engine at
every step: see "Process model" in docs/performance.md.
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

from model_store import fingerprint, rows_to_walk
from service.engine.batch import Engine
from service.engine.explain import describe
from service.engine.messages import (
    Delivered,
    EngineSpec,
    Finished,
    Follow,
    Inspect,
    Inspected,
    Order,
    Ready,
    Report,
    Started,
    Submit,
)
from service.engine.onnx_engine import OnnxEngine
from service.engine.scheduler import Scheduler
from service.engine.worker import Worker
from service.errors import ServiceError
from service.logs import configuration
from service.stream.details import Details, Reading
from service.stream.sequence import Ending, Ids, Sequence

log = logging.getLogger(__name__)


class ReportedSequence(Sequence):
    """A sequence whose readers are in the service's process."""

    def __init__(self, order: Submit, report: Callable[[Report], None]) -> None:
        super().__init__(
            order.start, order.sampling, order.end, order.first, details=order.wants_details
        )
        self.followed = order.followed
        self._number = order.number
        self._report = report

    def begin(self, time: float) -> None:
        """Report that the sequence has got its slot."""
        self._report(Started(self._number, time))

    def deliver(self, ids: Ids, details: Details | None) -> None:
        """Report the next characters."""
        self._count += len(ids)
        self._report(Delivered(self._number, ids, details))

    def finish(self, ending: Ending | None, error: ServiceError | None = None) -> None:
        """Report the end."""
        self._report(Finished(self._number, None if error else ending))


class EngineProcess:
    """Workers that share an engine, and the orders they work on."""

    def __init__(self, spec: EngineSpec, connection: Connection) -> None:
        engine = _open_engine(spec)
        self._engine = engine
        # Whoever looks inside waits for another who does, never a generation for either.
        self._inspector = ThreadPoolExecutor(1, "inspector")
        self._connection = connection
        self._sending = threading.Lock()
        self._workers = [_worker(engine, spec, number) for number in range(spec.threads)]
        self._orders: dict[int, tuple[Sequence, Worker]] = {}
        self._report(Ready(_fingerprint(engine)))

    def run(self) -> None:
        """Take orders until the service closes the connection or is gone."""
        try:
            while True:
                self._take(self._connection.recv())
        except (EOFError, ConnectionResetError):
            self._inspector.shutdown(cancel_futures=True)
            for worker in self._workers:
                worker.close()

    def _take(self, order: Order) -> None:
        if isinstance(order, Submit):
            worker = min(self._workers, key=lambda worker: worker.load)
            sequence: Sequence = ReportedSequence(order, self._report)
            self._orders[order.number] = sequence, worker
            worker.submit(sequence)
        elif isinstance(order, Inspect):
            self._inspector.submit(self._inspect, order)
        elif order.number in self._orders:  # else it has ended while the order was on its way
            sequence, worker = self._orders[order.number]
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
            self._orders.pop(report.number, None)
        with self._sending, suppress(OSError):  # when the service is gone there is nobody to tell
            self._connection.send(report)


def _open_engine(spec: EngineSpec) -> Engine:
    if spec.kind == "onnx":
        return OnnxEngine(Path(spec.path))
    from service.engine.tensorflow_engine import TensorFlowEngine  # noqa: PLC0415 - takes seconds

    return TensorFlowEngine(Path(spec.path))


def _fingerprint(engine: Engine) -> str:
    batch = engine.batch(rows_to_walk(engine.vocabulary_size))
    return fingerprint(batch, engine.vocabulary_size)


def _read(engine: Engine, ids: Ids, layer: int) -> Reading:
    """Read a text in a batch of its own, and note what each character leaves behind."""
    batch = engine.batch(1)
    hidden = engine.states.index(f"h{layer}")
    # An LSTM remembers in its cell state, the other cells in the hidden state alone.
    cell = engine.states.index(f"c{layer}") if f"c{layer}" in engine.states else hidden
    states = np.empty((len(ids), 2, batch.state.shape[2]), np.float32)
    logits = np.empty((len(ids), engine.vocabulary_size), np.float32)
    for place in range(len(ids)):
        logits[place] = batch.step(ids[place : place + 1])[0]
        states[place] = batch.state[[hidden, cell], 0]
    return Reading(states[:, 0], states[:, 1], describe(logits, logits.argmax(axis=1)))


def _worker(engine: Engine, spec: EngineSpec, number: int) -> Worker:
    slots = -(-spec.slots // spec.threads)
    batch = engine.batch(slots)
    batch.step(
        np.zeros(slots, np.int64)
    )  # the first step allocates, which no request should wait for
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
    # Ctrl-C and the like reach the whole group; this process ends when its service does.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    logging.config.dictConfig(configuration())
    descriptor, spec = sys.argv[1:]
    try:
        engine = EngineProcess(EngineSpec(**json.loads(spec)), Connection(int(descriptor)))
    except Exception:
        log.exception("the engine cannot be started")
        sys.exit(1)
    engine.run()


if __name__ == "__main__":
    main()
