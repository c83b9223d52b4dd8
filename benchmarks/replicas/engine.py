"""The engine of a replica: threads with a batch each, whose rows join and leave between two calls."""

from collections import deque
from dataclasses import dataclass
from functools import partial

from benchmarks.replicas.clock import Resume, Wait
from benchmarks.replicas.cores import Cores
from service.engine.batch import RUN

WEIGHT = 1024  # of a process at nice 0, in Linux


@dataclass(eq=False, slots=True)
class _Row:
    left: int
    """Characters to read and to draw."""
    resume: Resume


class Engine:
    """Threads that take rows from one queue; a step of b rows takes `step + row * b` seconds."""

    def __init__(self, cores: Cores, threads: int, slots: int, step: float, row: float) -> None:
        self._cores = cores
        self._slots = slots
        self._step, self._row = step, row
        self._waiting: deque[_Row] = deque()
        self._batches: list[list[_Row]] = [[] for _ in range(threads)]
        self._idle = list(self._batches)

    @property
    def sequences(self) -> int:
        """The number of sequences that run or wait."""
        return len(self._waiting) + sum(map(len, self._batches))

    def draw(self, characters: int) -> Wait:
        """Return the wait until a sequence of that many characters, read or drawn, has ended."""

        def begin(resume: Resume) -> None:
            self._waiting.append(_Row(characters, resume))
            if self._idle:
                self._call(self._idle.pop())

        return begin

    def _call(self, batch: list[_Row]) -> None:
        """Fill a batch up to a fair share of all sequences, and advance its rows up to the first end."""
        fair = -(-min(self.sequences, self._slots) // len(self._batches))  # rounded up
        while self._waiting and len(batch) < fair:
            batch.append(self._waiting.popleft())
        if not batch:
            self._idle.append(batch)
            return
        steps = min(RUN, *(row.left for row in batch))
        seconds = steps * (self._step + self._row * len(batch))
        self._cores.work(seconds, WEIGHT)(partial(self._end, batch, steps))

    def _end(self, batch: list[_Row], steps: int) -> None:
        for row in batch:
            row.left -= steps
        ended = [row for row in batch if row.left == 0]
        batch[:] = [row for row in batch if row.left]
        self._call(batch)
        for row in ended:
            row.resume()
