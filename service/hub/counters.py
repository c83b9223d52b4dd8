"""Counts within a minute, kept in the memory of a process."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from itertools import takewhile
from time import monotonic

MINUTE = 60


@dataclass(frozen=True)
class Count:
    """The state of a count after a charge."""

    left: int
    seconds: float
    """Until the minute ends and the whole limit is left again."""
    allowed: bool


@dataclass
class Window:
    """The minute of a key, and what was charged in it."""

    end: float
    charged: int = 0


class Counters:
    """Counts by key; the minute of a key begins with its first charge. Safe to use from any thread."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._windows: dict[str, Window] = {}  # the oldest first, because all are equally long
        self._lock = threading.Lock()

    def charge(self, key: str, amount: int, limit: int) -> Count:
        """Charge a key and return the state of its count; a charge over the limit takes nothing."""
        with self._lock:
            now = self._clock()
            self._forget(now)
            window = self._windows.get(key) or Window(now + MINUTE)
            allowed = window.charged + amount <= limit
            if allowed:
                window.charged += amount
                self._windows[key] = window
            return Count(limit - window.charged, window.end - now, allowed)

    def _forget(self, now: float) -> None:
        """Drop the minutes that have ended, so that clients who stay away take no memory."""
        ended = takewhile(lambda item: item[1].end <= now, self._windows.items())
        for key, _ in [*ended]:
            del self._windows[key]
