"""A worker of the service, as the hub sees it: a connection, and what the worker has asked for."""

import logging
import threading
from collections.abc import Iterator
from contextlib import suppress
from functools import singledispatchmethod
from multiprocessing.connection import Connection
from queue import Empty, SimpleQueue
from typing import Protocol

from service.cache.memory import MemoryBytes
from service.hub.counters import Counters
from service.hub.flight import Reader
from service.hub.messages import (
    Abort,
    Charge,
    Charged,
    Close,
    Find,
    Finished,
    Follow,
    Found,
    Inspect,
    Inspected,
    Keep,
    NotOpened,
    Open,
    Opened,
    Order,
    Refused,
    Report,
    Submit,
)
from service.hub.pulse import BEAT
from service.hub.shared_engine import SharedEngine

log = logging.getLogger(__name__)


class Engines(Protocol):
    """The engines of the hub, each open as long as a worker needs the engine."""

    def acquire(self, order: Open) -> SharedEngine:
        """Return the engine of a spec, opened for the first worker that asks."""

    def release(self, engine: SharedEngine) -> None:
        """Give an engine back; the last worker's release closes the engine."""


class Peer:
    """Takes the orders of a worker until the connection ends."""

    def __init__(
        self, connection: Connection, engines: Engines, memory: MemoryBytes, counters: Counters
    ) -> None:
        self._connection = connection
        self._all_engines = engines
        self._memory = memory
        self._counters = counters
        self._engines: dict[int, SharedEngine] = {}
        # Added to by the thread that takes orders, removed from by the engines' threads.
        self._readers: dict[int, tuple[Reader, SharedEngine]] = {}
        # Reports wait for a thread that sends them, so that no engine waits for a worker that does
        # not read; None ends the thread.
        self._reports: SimpleQueue[Report | None] = SimpleQueue()
        self._sending = threading.Lock()
        # An engine may be open only after the worker has ended, or be asked for twice.
        self._opening = threading.Lock()
        self._ended = False

    def run(self) -> None:
        """Take orders; at the end, abort what runs for this worker and release its engines."""
        sender = threading.Thread(target=self._send_reports, name="reports", daemon=True)
        sender.start()
        with suppress(EOFError, OSError):
            while True:
                self._take(self._connection.recv())
        for reader, engine in [*self._readers.values()]:
            engine.leave(reader)
        self._reports.put(None)
        sender.join()
        with self._opening:
            self._ended = True
            engines, self._engines = self._engines, {}
        for engine in engines.values():
            self._all_engines.release(engine)
        self._connection.close()

    @singledispatchmethod
    def _take(self, order: Order) -> None:
        raise TypeError(f"no order: {type(order).__name__}")

    @_take.register
    def _(self, order: Open) -> None:
        # An engine takes up to seconds to open, in which the other engines' orders do not wait.
        threading.Thread(target=self._open, args=[order], name="open", daemon=True).start()

    @_take.register
    def _(self, order: Close) -> None:
        engine = self._engines.pop(order.engine, None)
        if engine is not None:
            self._all_engines.release(engine)

    @_take.register
    def _(self, order: Submit) -> None:
        engine = self._engines.get(order.engine)
        if engine is None:
            self._send(Finished(order.number, None, shared=False))
            return
        reader = Reader(order, self._send)
        self._readers[order.number] = reader, engine
        engine.submit(reader, order.key)

    @_take.register
    def _(self, order: Follow) -> None:
        for reader, _ in self._reader(order.number):
            reader.follow()

    @_take.register
    def _(self, order: Abort) -> None:
        for reader, engine in self._reader(order.number):
            engine.leave(reader)

    @_take.register
    def _(self, order: Inspect) -> None:
        engine = self._engines.get(order.engine)
        if engine is None:
            self._send(Inspected(order.number, None))
        else:
            engine.inspect(order, self._send)

    @_take.register
    def _(self, order: Find) -> None:
        # From this thread, which may wait for the worker: the worker's request waits for the value.
        self._write([Found(order.number, self._memory.find(order.keys))])

    @_take.register
    def _(self, order: Keep) -> None:
        self._memory.set(order.values)

    @_take.register
    def _(self, order: Charge) -> None:
        count = self._counters.charge(order.key, order.amount, order.limit)
        self._send(Charged(order.number, count))

    def _reader(self, number: int) -> Iterator[tuple[Reader, SharedEngine]]:
        """Yield the reader of a number, unless the reader has got its ending meanwhile."""
        found = self._readers.get(number)
        if found is not None:
            yield found

    def _open(self, order: Open) -> None:
        try:
            engine = self._all_engines.acquire(order)
        except Exception:
            log.exception("the engine cannot be started")
            self._send(NotOpened(order.number))
            return
        with self._opening:
            unwanted = self._ended or order.number in self._engines
            self._engines.setdefault(order.number, engine)
        if unwanted:
            self._all_engines.release(engine)
        self._send(Opened(order.number, engine.walked.logits, engine.walked.states))

    def _send(self, report: Report) -> None:
        if isinstance(report, Finished | Refused):
            self._readers.pop(report.number, None)
        self._reports.put(report)

    def _send_reports(self) -> None:
        """Send the reports, all that wait in one message, until the end of the connection.

        A message without reports, after each beat without another message, shows that the hub runs.
        """
        ended = False
        while not ended:
            reports = [*self._next(), *self._waiting()]
            sent = [report for report in reports if report is not None]
            ended = len(sent) < len(reports)
            self._write(sent)

    def _write(self, reports: list[Report]) -> None:
        with self._sending, suppress(OSError):  # a worker that has died needs no report
            self._connection.send(reports)

    def _next(self) -> Iterator[Report | None]:
        with suppress(Empty):
            yield self._reports.get(timeout=BEAT)

    def _waiting(self) -> Iterator[Report | None]:
        with suppress(Empty):
            while True:
                yield self._reports.get_nowait()
