"""What a simulation of replicas takes and returns."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Costs:
    """Seconds of processor time, unless a field says otherwise."""

    repeat: float
    """Of a worker, for an answer that is ready in the worker's memory."""
    hit: float
    """Of a worker, for a stream that Redis has."""
    miss: float
    """Of a worker, for a text that is drawn."""
    read: float
    """Of Redis, for a hit."""
    write: float
    """Of Redis, for the look-up and the write of a miss."""
    step: float
    """Of an engine thread, for a step of any number of rows."""
    row: float
    """Of an engine thread, for each row of a step."""
    client: float = 0.0
    """Of the load generator, for an answer."""
    round_trip: float = 0.0
    """Seconds of waiting between a worker and Redis."""


@dataclass(frozen=True)
class Cluster:
    """Equal replicas, each on its own cores, or all with Redis and the clients on the same cores."""

    replicas: int = 1
    cores: int = 2
    one_machine: bool = False
    workers: int = 2
    threads: int = 2
    slots: int = 64
    queue: int = 256
    ready: int = 4000
    """Answers that a worker keeps in its memory."""


@dataclass(frozen=True)
class Load:
    """Numbers of texts in the order of the requests, from clients that wait or at random times.

    The n-th request, or client, goes to replica n modulo the number of replicas.
    """

    texts: Sequence[int]
    characters: int
    """Of a text, with its seed text."""
    clients: int = 0
    """Clients that request one text after another."""
    rate: float = 0.0
    """Requests per second of a Poisson process."""
    known: Collection[int] = ()
    """Texts that Redis has at the begin."""


@dataclass
class Outcome:
    """What a simulation of some seconds counted."""

    seconds: float = 0.0
    arrived: int = 0
    ended: Counter[str] = field(default_factory=Counter)
    """Requests by their end: repeat, hit, shared, miss, refused."""
    latencies: list[float] = field(default_factory=list)
    """Seconds of each answer that was not refused."""
    presence: float = 0.0
    """Requests that were there, integrated over the seconds."""
    used: float = 0.0
    """Seconds of processor time of all cores."""

    @property
    def inside(self) -> int:
        """Requests that have arrived and not ended."""
        return self.arrived - self.ended.total()

    @property
    def throughput(self) -> float:
        """Answers per second."""
        return len(self.latencies) / self.seconds

    @property
    def hit_rate(self) -> float:
        """The part of the answers that no engine drew."""
        return (self.ended["repeat"] + self.ended["hit"]) / max(1, len(self.latencies))

    def percentile(self, percent: float) -> float:
        """Return the seconds within which that many percent of the answers came."""
        return float(np.percentile(self.latencies, percent))
