"""The queue before the slots: clients take turns, so that no client waits for another's long work."""

import threading
from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from service.engine.schedule.slot import Scheduled, Slot


@dataclass
class Line:
    """The queue of one client: what has not run yet comes before what was suspended."""

    fresh: deque[Slot] = field(default_factory=deque)
    suspended: deque[Slot] = field(default_factory=deque)

    def __len__(self) -> int:
        return len(self.fresh) + len(self.suspended)

    def pop(self) -> Slot:
        """Take the next slot out of the line."""
        return (self.fresh or self.suspended).popleft()


class FairQueue:
    """Sequences that wait for a slot, for any number of batches; safe to use from any thread."""

    def __init__(self) -> None:
        self._lines: dict[str, Line] = {}  # in the order of the clients' turns
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return sum(map(len, tuple(self._lines.values())))

    def append(self, sequence: Scheduled) -> None:
        """Queue a sequence that has not run yet."""
        with self._lock:
            self._line(sequence).fresh.append(Slot(sequence))

    def extend(self, sequences: Iterable[Scheduled]) -> None:
        """Queue sequences in order."""
        for sequence in sequences:
            self.append(sequence)

    def suspend(self, slot: Slot) -> None:
        """Queue a slot that was taken out of its batch."""
        with self._lock:
            self._line(slot.sequence).suspended.append(slot)

    def take(self) -> Slot | None:
        """Return the next slot of the client whose turn it is; None when the queue is empty."""
        with self._lock:
            return self._take(next(iter(self._lines))) if self._lines else None

    def take_from(self, holder: str, rows: Counter[str]) -> Slot | None:
        """Return the next slot that may take one of a client's rows, given the rows of each client.

        A sequence that has not run yet may have a row of any client. A suspended one may have a row
        of a client that keeps more rows even then.
        """
        with self._lock:
            for client, line in self._lines.items():
                if line.fresh or rows[client] + 1 < rows[holder]:
                    return self._take(client)
            return None

    def discard(self, sequence: Scheduled) -> bool:
        """Take a sequence out of the queue; return whether the sequence was in the queue."""
        with self._lock:
            line = self._lines.get(sequence.client, Line())
            for part in (line.fresh, line.suspended):
                for slot in part:
                    if slot.sequence is sequence:
                        part.remove(slot)
                        self._forget_empty(sequence.client)
                        return True
            return False

    def _line(self, sequence: Scheduled) -> Line:
        return self._lines.setdefault(sequence.client, Line())

    def _take(self, client: str) -> Slot:
        line = self._lines.pop(client)
        slot = line.pop()
        self._lines[client] = line  # behind the others
        self._forget_empty(client)
        return slot

    def _forget_empty(self, client: str) -> None:
        if not self._lines[client]:
            del self._lines[client]
