"""Cores that processes share, and processes that do one thing at a time."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from benchmarks.replicas.clock import Clock, Resume, Wait

ROUNDING = 1e-12  # seconds of work that the arithmetic may leave over


@dataclass(eq=False, slots=True)
class _Task:
    weight: float
    left: float
    """Seconds of work."""
    resume: Resume
    speed: float = 0.0


class Cores:
    """Cores that all unfinished work shares by weight (generalised processor sharing).

    Parekh and Gallager, 1993. One piece of work uses at most one core.
    """

    def __init__(self, clock: Clock, count: int) -> None:
        self._clock = clock
        self._count = count
        self._tasks: list[_Task] = []
        self._since = 0.0  # the time of the last change
        self._plans = 0
        self.used = 0.0
        """Seconds of processor time so far, of all cores."""

    def work(self, seconds: float, weight: float) -> Wait:
        """Return the wait until that much processor time is spent."""

        def begin(resume: Resume) -> None:
            self._advance()
            self._tasks.append(_Task(weight, seconds, resume))
            self._plan()

        return begin

    def _advance(self) -> None:
        passed, self._since = self._clock.now - self._since, self._clock.now
        for task in self._tasks:
            task.left -= passed * task.speed
            self.used += passed * task.speed

    def _plan(self) -> None:
        """Share the cores anew, and come back when the first piece of work ends."""
        self._plans += 1
        for task, speed in zip(
            self._tasks, speeds([task.weight for task in self._tasks], self._count), strict=True
        ):
            task.speed = speed
        if self._tasks:
            soonest = max(0.0, min(task.left / task.speed for task in self._tasks))
            self._clock.at(self._clock.now + soonest, partial(self._end, self._plans))

    def _end(self, plan: int) -> None:
        if plan != self._plans:  # the cores have been shared anew since
            return
        self._advance()
        ended = [task for task in self._tasks if task.left <= ROUNDING]
        self._tasks = [task for task in self._tasks if task.left > ROUNDING]
        self._plan()
        for task in ended:
            task.resume()


def speeds(weights: Sequence[float], cores: float) -> list[float]:
    """Return the part of a core that each task gets: in proportion to its weight, and at most 1."""
    if len(weights) <= cores:
        return [1.0] * len(weights)
    shares, left, total = [0.0] * len(weights), float(cores), sum(weights)
    # The heaviest first: what a task cannot use of its share goes to the lighter ones.
    for task in sorted(range(len(weights)), key=lambda task: -weights[task]):
        shares[task] = min(1.0, left * weights[task] / total)
        left -= shares[task]
        total -= weights[task]
    return shares


class Server:
    """A process that does one thing at a time, in the order of arrival."""

    def __init__(self, cores: Cores, weight: float) -> None:
        self._cores = cores
        self._weight = weight
        self._waiting: deque[tuple[float, Resume]] = deque()
        self._busy = False

    def work(self, seconds: float) -> Wait:
        """Return the wait until the process has spent that much processor time on this work."""

        def begin(resume: Resume) -> None:
            self._waiting.append((seconds, resume))
            if not self._busy:
                self._next()

        return begin

    def _next(self) -> None:
        self._busy = bool(self._waiting)
        if self._busy:
            seconds, resume = self._waiting.popleft()
            self._cores.work(seconds, self._weight)(partial(self._end, resume))

    def _end(self, resume: Resume) -> None:
        self._next()
        resume()
