"""The work of an engine by client: who is within a fair share, and how long new work would take."""

from collections import Counter
from collections.abc import Collection

from service.hub.flight import Flight, Reader

# Seconds after which a client whose queue is full may ask again.
SHORTLY = 1.0


def size(flight: Flight | Reader) -> int:
    """Return the characters to read and to draw."""
    return len(flight.job.start.prompt) + len(flight.job)


def seconds_too_many(
    reader: Reader, flights: Collection[Flight], capacity: int, pace: float | None
) -> float | None:
    """Return after how many seconds a reader should ask again; None when there is room now.

    Where the flights are at their capacity, a client with less than an equal share is still let in.
    `pace` is the characters per second of full batches; None: the batches have not been full.
    """
    count = Counter(flight.client for flight in flights)
    clients = len(count.keys() | {reader.client})
    if len(flights) >= capacity and count[reader.client] >= capacity / clients:
        return SHORTLY
    if pace is None or all(flight.admitted for flight in flights):
        return None
    own = [flight for flight in flights if flight.client == reader.client]
    # A flight in a slot is on average half way.
    ahead = sum(size(flight) / (2 if flight.admitted else 1) for flight in own)
    needed = (ahead + size(reader)) * clients / pace
    return needed - reader.seconds if needed > reader.seconds else None
