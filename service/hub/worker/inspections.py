"""The texts that the hub inspects for a worker."""

import threading
from concurrent.futures import Future
from dataclasses import dataclass, field

from service.errors import EngineFailed, QueueFull, ServiceError
from service.hub.messages import Inspect, Inspected
from service.hub.worker.running import FAILED
from service.stream.details import Reading

MAX_INSPECTIONS = 16  # queued or running; each takes about a second at most
MAX_READS = 3  # of one text: an inspection that kills the hub must not do so for ever


@dataclass
class Inspection:
    """An order, its future reading, and how often the order was sent."""

    order: Inspect
    reading: Future[Reading] = field(default_factory=Future)
    reads: int = 1


class Inspections:
    """Hands out the readings of the hub; safe to use from any thread.

    An inspection whose asker waits no longer stays until the hub answers: the hub still works on it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()  # guards the next two
        self._open: dict[int, Inspection] = {}
        self._error: ServiceError | None = None

    def add(self, order: Inspect) -> Future[Reading]:
        """Add an inspection and return its reading, which the asker may cancel.

        Raises:
            QueueFull: too many inspections are queued.
            ServiceError: the error of `close`.
        """
        inspection = Inspection(order)
        with self._lock:
            if self._error is not None:
                raise self._error
            if len(self._open) >= MAX_INSPECTIONS:
                raise QueueFull("too many texts are being inspected; try again in a moment")
            self._open[order.number] = inspection
        return inspection.reading

    def idle(self, engine: int) -> bool:
        """Whether no inspection of an engine is left."""
        return not self._of(engine)

    def again(self, engine: int) -> list[Inspect]:
        """Return the orders to read texts again, after the hub has died.

        An inspection whose text was read too often, or whose asker waits no longer, ends instead.
        """
        orders = []
        for each in self._of(engine):
            each.reads += 1
            if each.reads > MAX_READS or each.reading.cancelled():
                self._end(each.order.number, EngineFailed(FAILED))
            else:
                orders.append(each.order)
        return orders

    def take(self, report: Inspected) -> None:
        """Give a reading to its asker; the reading of an inspection that has ended is left alone."""
        self._end(report.number, report.reading or EngineFailed(FAILED))

    def end_all(self, error: ServiceError, engine: int | None = None) -> None:
        """End the inspections of an engine, or of all engines, with an error."""
        for each in self._of(engine):
            self._end(each.order.number, error)

    def close(self, error: ServiceError) -> None:
        """End all inspections, and refuse further ones, with an error."""
        with self._lock:
            self._error = error
        self.end_all(error)

    def _of(self, engine: int | None) -> list[Inspection]:
        with self._lock:
            return [each for each in self._open.values() if engine in (None, each.order.engine)]

    def _end(self, number: int, result: Reading | ServiceError) -> None:
        with self._lock:
            inspection = self._open.pop(number, None)
        if inspection is None or not inspection.reading.set_running_or_notify_cancel():
            return
        if isinstance(result, ServiceError):
            inspection.reading.set_exception(result)
        else:
            inspection.reading.set_result(result)
