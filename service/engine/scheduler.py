"""Slots and the queue before them: who runs in which row of the batch, step by step."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic

import numpy as np
from numpy.typing import NDArray

from service.engine.batch import Batch
from service.engine.explain import describe
from service.engine.sampler import BLOCK, penalise, sample, uniform_block
from service.stream.details import Details
from service.stream.sequence import SNAPSHOT_INTERVAL, Ending, Sequence, Snapshot

# Seconds between two deliveries to a reader who reads along: often enough to look smooth, seldom
# enough that 64 readers' events cost little beside the steps (see docs/performance.md).
INTERVAL = 0.04


@dataclass
class _Slot:
    """What a running sequence has gathered beside its characters."""

    delivered: int = 0
    due: float = 0.0  # when the next characters may be delivered before the end
    first: float = 0.0
    details: Details | None = None
    snapshots: list[Snapshot] = field(default_factory=list)


class Scheduler:
    """Continuous batching: rows join and leave at any step.

    Running sequences fill rows 0 to n - 1. The characters of a row lie on its *tape*: first those
    of the prompt, then those that were drawn. A step feeds each row the character at its position,
    so rows that still read their prompt and rows that write share every step.
    """

    def __init__(
        self,
        batch: Batch,
        capacity: int,
        tape_length: int,
        vocabulary_size: int,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self.batch = batch
        self.capacity = capacity
        self.waiting: deque[Sequence] = deque()
        self.aborts: deque[Sequence] = deque()
        self.running: list[Sequence] = []
        self._vocabulary_size = vocabulary_size
        self._clock = clock
        self._tape = np.zeros((capacity, tape_length), np.int64)
        self._uniforms = np.zeros((capacity, BLOCK))
        self._position = np.zeros(capacity, np.int64)
        self._prompt_end = np.zeros(capacity, np.int64)
        self._end = np.zeros(capacity, np.int64)
        self._offset = np.zeros(capacity, np.int64)  # from a tape position to the stream's
        self._consumed = np.zeros(capacity, np.int64)  # from a tape position to the text's
        self._temperature = np.zeros(capacity)
        self._top_k = np.zeros(capacity, np.int64)
        self._top_p = np.zeros(capacity)
        self._adjusts = np.zeros(capacity, np.bool_)
        self._counts = np.zeros((capacity, vocabulary_size), np.float32)  # where it adjusts
        self._bias = np.zeros((capacity, vocabulary_size), np.float32)
        self._presence = np.zeros(capacity)
        self._frequency = np.zeros(capacity)
        self._rows = np.arange(capacity)
        self._slots: dict[Sequence, _Slot] = {}

    @property
    def idle(self) -> bool:
        """Whether there is nothing to do."""
        return not (self.running or self.waiting or self.aborts)

    def step(self) -> None:
        """Admit what fits, advance every running row by one character, hand out what is ready."""
        self._admit()
        if self.running:
            rows = self._rows[: len(self.running)]
            position = self._position[: len(rows)]
            logits = self.batch.step(self._tape[rows, position])
            position += 1
            drawing = rows[position >= self._prompt_end[: len(rows)]]
            if drawing.size:
                self._draw(logits, drawing)
            self._snapshot(rows, position)
        self._abort()
        self._hand_out()

    def give_up(self) -> list[Sequence]:
        """Forget everything that runs or waits, and return it."""
        sequences = [*self.running, *self.waiting]
        self.running.clear()
        self._slots.clear()
        self.waiting.clear()
        self.aborts.clear()
        return sequences

    def _admit(self) -> None:
        while self.waiting and len(self.running) < self.capacity:
            self._start(self.waiting.popleft())

    def _start(self, sequence: Sequence) -> None:
        row, start, sampling = len(self.running), sequence.start, sequence.sampling
        prompt_end = len(start.prompt)
        self.running.append(sequence)
        self.batch.state[:, row] = 0 if start.state is None else start.state
        self._tape[row, :prompt_end] = start.prompt
        self._position[row] = 0
        self._prompt_end[row] = prompt_end
        self._end[row] = prompt_end + sequence.end - sequence.first
        self._offset[row] = sequence.first - prompt_end
        self._consumed[row] = start.consumed
        self._temperature[row] = sampling.temperature
        self._top_k[row] = sampling.top_k or self._vocabulary_size
        self._top_p[row] = 1.0 if sampling.top_p is None else sampling.top_p
        self._adjusts[row] = sampling.adjusts
        if sampling.adjusts:
            self._start_penalties(row, sequence)
        if sequence.first % BLOCK:
            self._uniforms[row] = uniform_block(sampling.random_seed, sequence.first // BLOCK)
        slot = self._slots[sequence] = _Slot()
        if sequence.wants_details:
            slot.details = Details.empty(sequence.end - sequence.first, self._vocabulary_size)
        sequence.begin(self._clock())

    def _start_penalties(self, row: int, sequence: Sequence) -> None:
        sampling, generated = sequence.sampling, sequence.start.generated
        self._presence[row] = sampling.presence_penalty
        self._frequency[row] = sampling.frequency_penalty
        self._bias[row] = 0
        for id_, value in sampling.logit_bias:
            self._bias[row, id_] = value
        self._counts[row] = 0
        if generated is not None:
            self._counts[row] = np.bincount(generated, minlength=self._vocabulary_size)

    def _draw(self, logits: NDArray[np.float32], rows: NDArray[np.int64]) -> None:
        """Write the next character of each of the rows onto its tape."""
        logits, position = logits[rows], self._position[rows]
        index = position + self._offset[rows]
        for row in rows[index % BLOCK == 0].tolist():
            seed = self.running[row].sampling.random_seed
            block = int(self._position[row] + self._offset[row]) // BLOCK
            self._uniforms[row] = uniform_block(seed, block)
        drawn = sample(
            self._adjusted(logits, rows),
            self._temperature[rows],
            self._uniforms[rows, index % BLOCK],
            self._top_k[rows],
            self._top_p[rows],
        )
        self._tape[rows, position] = drawn
        adjusts = self._adjusts[rows]
        self._counts[rows[adjusts], drawn[adjusts]] += 1
        for row in rows[position == self._prompt_end[rows]].tolist():
            self._slots[self.running[row]].first = self._clock()
        self._describe(logits, rows, drawn)

    def _adjusted(
        self, logits: NDArray[np.float32], rows: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """Return the logits with the penalties and biases of the rows that have any."""
        some = np.flatnonzero(self._adjusts[rows])
        if not some.size:
            return logits
        those = rows[some]
        adjusted = logits.copy()
        adjusted[some] = penalise(
            logits[some],
            self._counts[those],
            self._presence[those],
            self._frequency[those],
            self._bias[those],
        )
        return adjusted

    def _describe(
        self, logits: NDArray[np.float32], rows: NDArray[np.int64], drawn: NDArray[np.int64]
    ) -> None:
        wanted = [n for n, row in enumerate(rows.tolist()) if self.running[row].wants_details]
        if not wanted:
            return
        details = describe(logits[wanted], drawn[wanted])
        for n, row in enumerate(rows[wanted].tolist()):
            room = self._slots[self.running[row]].details
            assert room is not None  # made when the sequence started
            index = int(self._position[row] - self._prompt_end[row])
            room.logprobs[index] = details.logprobs[n]
            room.top_ids[index] = details.top_ids[n]
            room.top_logprobs[index] = details.top_logprobs[n]

    def _snapshot(self, rows: NDArray[np.int64], position: NDArray[np.int64]) -> None:
        consumed = position + self._consumed[: len(rows)]
        for row in rows[consumed % SNAPSHOT_INTERVAL == 0].tolist():
            state = self.batch.state[:, row].copy()
            snapshots = self._slots[self.running[row]].snapshots
            snapshots.append(Snapshot(int(consumed[row]), state))

    def _abort(self) -> None:
        """End what nobody waits for any more where it stands."""
        while self.aborts:
            sequence = self.aborts.popleft()
            if sequence in self.running:
                row = self.running.index(sequence)
                self._end[row] = self._position[row] + 1
            elif sequence in self.waiting:
                self.waiting.remove(sequence)
                sequence.finish(Ending())

    def _hand_out(self) -> None:
        """Deliver to readers who read along, and release the rows that have reached their end."""
        count, now = len(self.running), self._clock()
        last = self._position[:count] + 1
        drawn = (last - self._prompt_end[:count]).tolist()
        ended = (last >= self._end[:count]).tolist()
        # From the last row down: releasing a row moves the last one into its place.
        for row in range(count - 1, -1, -1):
            if ended[row]:
                self._finish(row, drawn[row])
            elif self.running[row].followed and drawn[row] > 0:
                slot = self._slots[self.running[row]]
                if now >= slot.due:
                    slot.due = now + INTERVAL
                    self._deliver(row, drawn[row])

    def _deliver(self, row: int, drawn: int) -> None:
        sequence = self.running[row]
        slot = self._slots[sequence]
        begin, slot.delivered = slot.delivered, drawn
        first = int(self._prompt_end[row])
        details = None if slot.details is None else slot.details[begin:drawn]
        sequence.deliver(self._tape[row, first + begin : first + drawn], details)

    def _finish(self, row: int, drawn: int) -> None:
        sequence = self.running[row]
        ending = Ending()
        if drawn > 0:
            self._deliver(row, drawn)
            slot = self._slots[sequence]
            state = self.batch.state[:, row].copy()
            ending = Ending(state, slot.snapshots, slot.first, self._clock())
        self._release(row)
        sequence.finish(ending)

    def _release(self, row: int) -> None:
        """Free a row by moving the last running one into it."""
        del self._slots[self.running[row]]
        last = len(self.running) - 1
        if row != last:
            self.running[row] = self.running[last]
            self.batch.state[:, row] = self.batch.state[:, last]
            used = self._end[last]
            self._tape[row, :used] = self._tape[last, :used]
            for array in (
                self._uniforms,
                self._position,
                self._prompt_end,
                self._end,
                self._offset,
                self._consumed,
                self._temperature,
                self._top_k,
                self._top_p,
                self._adjusts,
                self._counts,
                self._bias,
                self._presence,
                self._frequency,
            ):
                array[row] = array[last]
        self.running.pop()
