"""The sequences of a worker that the hub draws."""

import threading
from dataclasses import dataclass
from functools import singledispatchmethod
from math import ceil

from service.errors import EngineFailed, QueueFull, ServiceError
from service.hub.messages import Admitted, Delivered, Finished, Refused, Submit
from service.stream.job import Ending
from service.stream.sequence import Sequence
from service.telemetry import Telemetry

MAX_DRAWS = 3  # of one sequence: a sequence that kills the hub must not do so for ever
FAILED = "the engine failed; the same request may work again"


@dataclass
class Running:
    """A sequence, the engine and the key it is drawn with, and how often it was to be drawn."""

    number: int
    engine: int
    key: str | None
    sequence: Sequence
    draws: int = 1

    def order(self) -> Submit:
        """Return the order to draw the sequence, for its reader as the reader is now."""
        drawn = self.sequence
        return Submit(
            self.number,
            self.engine,
            drawn.job,
            self.key,
            drawn.followed,
            drawn.client,
            drawn.seconds_left,
        )


class RunningSequences:
    """Writes the hub's reports to the sequences until they end; safe to use from any thread."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry
        self._lock = threading.Lock()  # guards the next two
        self._running: dict[int, Running] = {}
        self._error: ServiceError | None = None

    def add(self, running: Running) -> None:
        """Add a sequence.

        Raises:
            ServiceError: the error of `close`.
        """
        with self._lock:
            if self._error is not None:
                raise self._error
            self._running[running.number] = running
        self._telemetry.queued()

    def idle(self, engine: int) -> bool:
        """Whether no sequence of an engine is left."""
        return not self.of(engine)

    def of(self, engine: int) -> list[Running]:
        """Return the sequences of an engine."""
        with self._lock:
            return [each for each in self._running.values() if each.engine == engine]

    def again(self, lost: list[Running]) -> list[Running]:
        """Return the sequences to draw again, after the hub has died.

        A sequence that was drawn too often, or that nobody wants any longer, ends instead.
        """
        wanted = []
        for each in lost:
            each.draws += 1
            if each.draws > MAX_DRAWS or each.sequence.aborted:
                self._end(each.number, None, EngineFailed(FAILED))
            else:
                wanted.append(each)
        return wanted

    @singledispatchmethod
    def take(self, report: Admitted | Delivered | Finished | Refused) -> None:
        """Write a report to its sequence; a report of a sequence that has ended is left alone."""
        raise TypeError(f"no report: {type(report).__name__}")

    @take.register
    def _(self, report: Admitted) -> None:
        running = self._running.get(report.number)
        if running is None:
            return
        if running.sequence.admitted is None:
            self._telemetry.started(report.rows)
        running.sequence.admit(report.time)

    @take.register
    def _(self, report: Delivered) -> None:
        running = self._running.get(report.number)
        if running is not None:
            running.sequence.deliver(
                report.ids, report.details, report.place, snapshot=report.snapshot
            )

    @take.register
    def _(self, report: Finished) -> None:
        error = EngineFailed(FAILED) if report.ending is None else None
        self._end(report.number, report.ending, error, shared=report.shared)

    @take.register
    def _(self, report: Refused) -> None:
        error = QueueFull(
            "too many generations are waiting; try again in a moment", ceil(report.seconds)
        )
        self._end(report.number, None, error)

    def end_all(self, error: ServiceError, engine: int | None = None) -> None:
        """End the sequences of an engine, or of all engines, with an error."""
        with self._lock:
            over = [n for n, each in self._running.items() if engine in (None, each.engine)]
        for number in over:
            self._end(number, None, error)

    def close(self, error: ServiceError) -> None:
        """End all sequences, and refuse further ones, with an error."""
        with self._lock:
            self._error = error
        self.end_all(error)

    def _end(
        self,
        number: int,
        ending: Ending | None,
        error: ServiceError | None,
        *,
        shared: bool = False,
    ) -> None:
        with self._lock:
            running = self._running.pop(number, None)
        if running is not None:
            running.sequence.shared = shared
            running.sequence.finish(ending, error)
            self._telemetry.ended(running.sequence)
