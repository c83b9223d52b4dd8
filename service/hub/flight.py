"""Flights: sequences that are being drawn now, each once for all its readers."""

import threading
from collections.abc import Callable
from dataclasses import replace
from time import monotonic

import numpy as np

from service.hub.messages import Admitted, Delivered, Finished, Report, Submit
from service.stream.details import Details
from service.stream.job import Ending, Ids, Job, Snapshot


class Reader:
    """A worker's sequence, the place that the reader has got to in the stream, and the flight."""

    def __init__(self, order: Submit, send: Callable[[Report], None]) -> None:
        self.number, self.job, self.send = order.number, order.job, send
        self.client, self.seconds = order.client, order.seconds
        self.followed = order.followed
        self.sent = order.job.begin
        self.flight: Flight | None = None

    def follow(self) -> None:
        """Want characters before the end from now on."""
        self.followed = True
        if self.flight is not None:
            self.flight.followed = True


class Flight:
    """A sequence under way; the engine's thread writes, and any thread joins and leaves."""

    def __init__(
        self,
        reader: Reader,
        vocabulary_size: int,
        rows: Callable[[], int],
        ended: Callable[["Flight"], None],
    ) -> None:
        """Take the first reader, and functions: `rows` counts the engine's rows, `ended` hears of the end."""
        self.job, self.client = reader.job, reader.client
        self.followed = self.aborted = False
        self._rows, self._ended = rows, ended
        self._admitted: tuple[float, int] | None = None  # the time, and the rows at that time
        length = len(self.job)
        self._ids = np.zeros(length, np.int64)
        self._details = Details.empty(length, vocabulary_size) if self.job.wants_details else None
        self._landed = self.job.begin
        self._readers: list[Reader] = []
        self._over = False  # no reader may join
        self._lock = threading.Lock()
        self.join(reader)

    @property
    def admitted(self) -> bool:
        """Whether the flight has got a slot."""
        return self._admitted is not None

    # The readers' side

    def join(self, reader: Reader) -> bool:
        """Add a reader, unless the flight is over or lacks what the reader wants."""
        with self._lock:
            if self._over or not self._serves(reader.job):
                return False
            self._readers.append(reader)
            reader.flight = self
            self.followed |= reader.followed or reader.job.end < self.job.end
            if self._admitted is not None:
                reader.send(Admitted(reader.number, *self._admitted))
            self._send(reader)
            return True

    def leave(self, reader: Reader) -> bool:
        """Take a reader out and return whether the flight has lost its last reader.

        The last reader stays, to get the ending.
        """
        with self._lock:
            if self._readers == [reader]:
                self._over = True
                return True
            if reader in self._readers:
                self._readers.remove(reader)
                now = monotonic()
                reader.send(Finished(reader.number, Ending(None, [], now, now), shared=True))
            return False

    # The engine's side, as the scheduler sees a sequence

    def admit(self, time: float) -> None:
        """Report the monotonic time at which the flight got its slot."""
        with self._lock:
            self._admitted = time, self._rows()
            for reader in self._readers:
                reader.send(Admitted(reader.number, *self._admitted))

    def deliver(
        self, ids: Ids, details: Details | None, *, snapshot: Snapshot | None = None
    ) -> None:
        """Report the next characters to every reader who wants them, and a state to one of these."""
        with self._lock:
            begin = self._landed - self.job.begin
            end = begin + len(ids)
            self._ids[begin:end] = ids
            if self._details is not None and details is not None:
                self._details[begin:end] = details
            self._landed += len(ids)
            whole = (r for r in self._readers if r.followed and r.sent < self._landed <= r.job.end)
            keeper = next(whole, None)
            for reader in [*self._readers]:
                self._send(reader, snapshot if reader is keeper else None)

    def finish(self, ending: Ending | None) -> None:
        """Report the ending, or None when the engine failed, to the readers who are left.

        The first reader alone gets the snapshots, to keep them: 12 KB for each 256 characters of a text.
        """
        with self._lock:
            self._over = True
        self._ended(self)  # first, so that a reader who has the ending finds the slot free
        with self._lock:
            for place, reader in enumerate(self._readers):
                reader.send(Finished(reader.number, ending, shared=place > 0))
                ending = ending and replace(ending, snapshots=[])
            self._readers.clear()

    def _serves(self, wanted: Job) -> bool:
        explained = self.job.wants_details or not wanted.wants_details
        return explained and self.job.begin <= wanted.begin < self.job.end

    def _send(self, reader: Reader, snapshot: Snapshot | None = None) -> None:
        """Send a reader what has landed of what the reader wants."""
        reached = min(self._landed, reader.job.end)
        if reached > reader.sent:
            part = slice(reader.sent - self.job.begin, reached - self.job.begin)
            details = None if self._details is None else self._details[part]
            place, reader.sent = reader.sent - reader.job.begin, reached
            reader.send(Delivered(reader.number, place, self._ids[part], details, snapshot))
