"""The ledger: what each client asked, when, and what the client saw."""

import threading
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from math import inf

LOST = 0
"""The status of a request whose connection ended without a whole answer."""
SLOW = 1.0  # seconds; an undisturbed answer takes a twentieth
CALM = 3.0  # seconds without trouble after which a fault counts as over


@dataclass(frozen=True)
class Text:
    """A generated text, the version that wrote it, and the request's fields as JSON."""

    version: int
    fields: str
    text: str


@dataclass(frozen=True)
class Seen:
    """What a client saw of one request: the status, the right status, and the text if there is one."""

    status: int
    right: int = 200
    text: Text | None = None


@dataclass(frozen=True)
class Visit:
    """One request of a client; monotonic times in seconds."""

    kind: str
    began: float
    ended: float
    status: int
    right: int

    @property
    def lost(self) -> bool:
        """Whether the connection ended without a whole answer."""
        return self.status == LOST

    @property
    def wrong(self) -> bool:
        """Whether the answer had another status than the right one."""
        return not self.lost and self.status != self.right

    @property
    def slow(self) -> bool:
        """Whether the client waited for longer than without a fault."""
        return self.ended - self.began > SLOW


@dataclass
class Episode:
    """A fault that was made: its times, and whether the clients of a worker may lose connections."""

    fault: str
    began: float
    may_lose: bool
    whole: float = inf
    """When the service was whole again."""
    over: float = inf
    """When the next fault may begin."""

    def touches(self, visit: Visit) -> bool:
        """Whether a request ended between the fault and the next fault."""
        return self.began <= visit.ended <= self.over


@dataclass
class Ledger:
    """All visits and texts; safe to use from any thread."""

    visits: list[Visit] = field(default_factory=list)
    texts: dict[tuple[int, str], set[str]] = field(default_factory=lambda: defaultdict(set))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def enter(self, kind: str, began: float, ended: float, seen: Seen) -> None:
        """Add a visit."""
        with self._lock:
            self.visits.append(Visit(kind, began, ended, seen.status, seen.right))
            if seen.text is not None:
                self.texts[seen.text.version, seen.text.fields].add(seen.text.text)

    def of(self, episode: Episode) -> list[Visit]:
        """Return the visits that ended between a fault and the next fault."""
        return [visit for visit in self.visits if episode.touches(visit)]

    def failed(self, episodes: Iterable[Episode]) -> Counter[str]:
        """Count the visits that should not have failed, by what they saw."""
        losing = [episode for episode in episodes if episode.may_lose]
        return Counter(
            f"{visit.kind}: {visit.status or 'lost'} instead of {visit.right}"
            for visit in self.visits
            if visit.wrong or (visit.lost and not any(each.touches(visit) for each in losing))
        )


def seconds_of_trouble(episode: Episode, visits: Iterable[Visit]) -> float:
    """Return the seconds from the fault to the end of the last lost, wrong or slow visit.

    Trouble that begins after `CALM` seconds without any is not the fault's.
    """
    until = episode.began
    for visit in sorted(visits, key=lambda visit: visit.began):
        if visit.lost or visit.wrong or visit.slow:
            if visit.began > until + CALM:
                break
            until = max(until, visit.ended)
    return until - episode.began
