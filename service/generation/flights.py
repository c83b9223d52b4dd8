"""Flights: streams that are being drawn now, each once for all its readers."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from service.cache.codec import CachedStream
from service.cache.streams import StreamCache
from service.models.loading import LoadedModel
from service.stream.generation import Stream
from service.stream.sequence import Sequence
from service.stream.text import Text

SECONDS_TO_ABORT = 1.0


@dataclass(eq=False)
class Flight:
    """A running sequence, and the known text of its stream before the sequence."""

    stream: Stream
    model: LoadedModel
    known: CachedStream | None
    sequence: Sequence
    keep: bool
    """Whether the result is to be cached."""
    readers: int = 0

    @property
    def landed(self) -> int:
        """The number of characters of the stream that can be read."""
        return self.sequence.first + len(self.sequence.ids)

    def read(self, begin: int, end: int) -> Text:
        """Return characters `begin` to `end` of the stream; `end` is at most `landed`."""
        # Place i of the sequence's ids is place first + i of the stream.
        first, details = self.sequence.first, self.sequence.details
        part = slice(max(0, begin - first), max(0, end - first))
        new = Text(self.model.vocabulary.decode(self.sequence.ids[part]), details and details[part])
        if begin >= first or self.known is None:
            return new
        return self.known.as_text()[begin:end] + new

    def result(self) -> CachedStream | None:
        """Return the text so far with its end state; without an end state, the text known before."""
        ending = self.sequence.ending
        if ending is None or ending.state is None:
            return self.known
        whole = self.read(0, self.landed)
        return CachedStream(whole.characters, ending.state, whole.details)


class Flights:
    """The flights under way; the result of each goes into the cache."""

    def __init__(self, cache: StreamCache) -> None:
        self._cache = cache
        self._flights: dict[str, Flight] = {}
        self._lock = threading.Lock()

    @contextmanager
    def board(self, wanted: Flight, *, have: int, shared: bool) -> Iterator[Flight]:
        """Join a flight of the same stream that ends beyond `have`, or else start `wanted`.

        The last reader to leave ends the flight and caches its result. Without `shared` no other
        reader joins.

        Raises:
            QueueFull: every slot is taken and the queue is full.
            Draining, EngineFailed: the engine's process is ending, or has ended.
        """
        flight = self._join(wanted, have) if shared else _take_off(wanted)
        try:
            yield flight
        finally:
            self._leave(flight)

    def _join(self, wanted: Flight, have: int) -> Flight:
        key = wanted.stream.key
        with self._lock:
            flight = self._flights.get(key)
            if flight is None or not _serves(flight, wanted, have):
                flight = self._flights[key] = _take_off(wanted)
            else:
                flight.readers += 1
                flight.keep |= wanted.keep
            return flight

    def _leave(self, flight: Flight) -> None:
        with self._lock:
            flight.readers -= 1
            if flight.readers:
                return
            if self._flights.get(flight.stream.key) is flight:
                del self._flights[flight.stream.key]
        sequence = flight.sequence
        if not sequence.ended:
            sequence.cancel()
            sequence.wait_for_end(SECONDS_TO_ABORT)
        result = flight.result()
        if flight.keep and result is not None:
            snapshots = sequence.ending.snapshots if sequence.ending else []
            self._cache.put(flight.stream, result, snapshots)


def _take_off(flight: Flight) -> Flight:
    flight.model.engine.submit(flight.sequence)
    flight.readers = 1
    return flight


def _serves(flight: Flight, wanted: Flight, have: int) -> bool:
    explained = flight.sequence.wants_details or not wanted.sequence.wants_details
    return explained and flight.sequence.end > have
