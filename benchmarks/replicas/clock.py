"""Simulated time, and processes that wait in simulated time."""

from collections.abc import Callable, Generator
from heapq import heappop, heappush
from itertools import count
from math import inf

Resume = Callable[[], None]
Wait = Callable[[Resume], None]
"""Begins something, and calls the given function when that has ended."""
Process = Generator[Wait, None, None]


class Clock:
    """The simulated time in seconds, and what happens at which time."""

    def __init__(self) -> None:
        self.now = 0.0
        self._ahead: list[tuple[float, int, Resume]] = []
        self._numbers = count()  # orders what happens at the same time

    def at(self, time: float, action: Resume) -> None:
        """Call a function at a time."""
        heappush(self._ahead, (time, next(self._numbers), action))

    def after(self, seconds: float) -> Wait:
        """Return the wait of that many seconds."""
        return lambda resume: self.at(self.now + seconds, resume)

    def run(self, until: float) -> None:
        """Let everything happen up to a time, or until nothing more will happen."""
        while self._ahead and self._ahead[0][0] <= until:
            self.now, _, action = heappop(self._ahead)
            action()
        self.now = self.now if until == inf else until


def follow(process: Process) -> None:
    """Run a process: each wait that the process yields is begun, and the process goes on at its end."""
    wait = next(process, None)
    if wait is not None:
        wait(lambda: follow(process))
