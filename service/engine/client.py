"""The service's side of an engine's process: submits sequences, and writes the reports to them."""

import json
import logging
import os
import socket
import subprocess
import sys
import threading
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import asdict
from itertools import count
from multiprocessing.connection import Connection

from model_store import fingerprint, steps_to_walk
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
from service.errors import (
    DeadlineExceeded,
    Draining,
    EngineFailed,
    ModelUnavailable,
    QueueFull,
    ServiceError,
)
from service.stream.details import Reading
from service.stream.job import Ending, Ids
from service.stream.sequence import Sequence
from service.telemetry import Telemetry

log = logging.getLogger(__name__)

SECONDS_TO_END = 5.0
MAX_INSPECTIONS = 16  # queued or running; each takes less than a second
FAILED = "the engine failed; the same request may work again"


class EngineClient:
    """A running engine process; safe to use from any thread.

    Any thread adds sequences and inspections; the listening thread alone removes and ends them.
    """

    def __init__(self, spec: EngineSpec, queue: int, telemetry: Telemetry) -> None:
        """Start the process and wait until its engine is open.

        Raises:
            ModelUnavailable: the engine cannot be opened; the log says why.
        """
        self._capacity = spec.slots + queue
        self._telemetry = telemetry
        self._sequences: dict[int, Sequence] = {}
        self._inspections: dict[int, Future[Reading]] = {}
        self._numbers = count()
        self._lock = threading.Lock()
        self._sending = threading.Lock()
        self._error: ServiceError | None = None
        self._process, self._socket = _start(spec)
        self._connection = Connection(os.dup(self._socket.fileno()))
        ready = self._await_ready(spec)
        self.fingerprint = fingerprint(ready.logits, ready.states)
        """The fingerprint that the engine computes on this machine."""
        self._thread = threading.Thread(target=self._listen, name="engine-reports", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether the process can take sequences and inspections."""
        return self._error is None

    def submit(self, sequence: Sequence) -> None:
        """Queue a sequence, to be drawn by the process.

        Raises:
            QueueFull: every slot is taken and the queue is full.
            Draining, EngineFailed: the process is ending, or has ended.
        """
        with self._lock:
            if self._error is not None:
                raise self._error
            if len(self._sequences) >= self._capacity:
                raise QueueFull("too many generations are waiting; try again in a moment")
            number = next(self._numbers)
            self._sequences[number] = sequence
            self._telemetry.queued()
        sequence.on_follow = lambda: self._send(Follow(number))
        sequence.on_cancel = lambda: self._send(Abort(number))
        self._send(Submit(number, sequence.job, sequence.followed))

    def inspect(self, ids: Ids, layer: int, seconds: float) -> Reading:
        """Return the states of a layer, and the likeliest next characters, after each of the ids [N].

        Raises:
            QueueFull: too many inspections are queued.
            DeadlineExceeded: the inspection took more than `seconds`.
            Draining, EngineFailed: the process is ending, or has ended.
        """
        future: Future[Reading] = Future()
        with self._lock:
            if self._error is not None:
                raise self._error
            if len(self._inspections) >= MAX_INSPECTIONS:
                raise QueueFull("too many texts are being inspected; try again in a moment")
            number = next(self._numbers)
            self._inspections[number] = future
        self._send(Inspect(number, ids, layer))
        try:
            return future.result(seconds)
        except TimeoutError:
            raise DeadlineExceeded("the inspection took too long; send less text") from None

    def close(self) -> None:
        """End the process; every sequence that still runs ends with `Draining`."""
        with self._lock:
            stopping = Draining("the service is stopping; try again elsewhere or later")
            self._error = self._error or stopping
        # A plain close would leave the listening thread in its read.
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()
        self._connection.close()
        try:
            self._process.wait(SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _await_ready(self, spec: EngineSpec) -> Ready:
        try:
            self._connection.send(Walk(steps_to_walk(spec.vocabulary_size)))
            ready: Ready = self._connection.recv()
        except (EOFError, OSError):
            self._connection.close()
            self._socket.close()
            self._process.wait()
            message = f"the engine cannot open {spec.path}; the log says why"
            raise ModelUnavailable(message) from None
        return ready

    def _send(self, order: Order) -> None:
        with self._sending:
            try:
                self._connection.send(order)
            except OSError:
                log.debug("the engine's process has died; the listening thread will log it")

    def _listen(self) -> None:
        with suppress(EOFError, OSError):
            while True:
                self._take(self._connection.recv())
        self._end_all()

    def _take(self, report: Report) -> None:
        if isinstance(report, Inspected):
            self._finish_inspection(report)
        elif isinstance(report, Admitted):
            self._sequences[report.number].admit(report.time)
            self._telemetry.started(self._running())
        elif isinstance(report, Delivered):
            self._sequences[report.number].deliver(report.ids, report.details)
        else:
            self._finish(report)

    def _running(self) -> int:
        with self._lock:
            return sum(sequence.stage == "running" for sequence in self._sequences.values())

    def _finish_inspection(self, report: Inspected) -> None:
        with self._lock:
            future = self._inspections.pop(report.number)
        if report.reading is None:
            future.set_exception(EngineFailed(FAILED))
        else:
            future.set_result(report.reading)

    def _finish(self, report: Finished) -> None:
        with self._lock:
            sequence = self._sequences.pop(report.number)
        error = EngineFailed(FAILED) if report.ending is None else None
        self._end(sequence, report.ending, error)

    def _end_all(self) -> None:
        """End every sequence and inspection, because the connection has ended."""
        with self._lock:
            if self._error is None:
                log.warning("the engine's process has died; the next request starts another")
                self._error = EngineFailed(FAILED)
            error = self._error
            sequences, self._sequences = self._sequences, {}
            inspections, self._inspections = self._inspections, {}
        for sequence in sequences.values():
            self._end(sequence, None, error)
        for future in inspections.values():
            future.set_exception(error)

    def _end(self, sequence: Sequence, ending: Ending | None, error: ServiceError | None) -> None:
        sequence.finish(ending, error)
        self._telemetry.ended(sequence)


def _start(spec: EngineSpec) -> tuple[subprocess.Popen[bytes], socket.socket]:
    ours, theirs = socket.socketpair()
    with theirs:
        descriptor = theirs.fileno()
        arguments = [str(descriptor), json.dumps(asdict(spec))]
        process = subprocess.Popen(
            [sys.executable, "-m", "service.engine.process", *arguments],
            pass_fds=[descriptor],
            process_group=0,  # Ctrl-C reaches the service's group alone
        )
    return process, ours
