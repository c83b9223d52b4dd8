"""Slots and the queue before them: which sequence runs in which row of the batch, step by step."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import Protocol

import numpy as np

from service.engine.batch import Batch, Floats, Ids
from service.engine.explain import describe
from service.engine.table import Table
from service.stream.details import Details
from service.stream.job import SNAPSHOT_INTERVAL, Ending, Job, Snapshot

# Seconds between two deliveries to a reader before the end: often enough to look smooth, seldom
# enough that 64 readers' events cost little beside the steps (see docs/performance.md).
INTERVAL = 0.04


class Scheduled(Protocol):
    """A sequence as the scheduler sees it: a job, and a place for results."""

    job: Job
    followed: bool
    """Whether a reader wants characters before the end."""

    def admit(self, time: float) -> None:
        """Take the monotonic time at which the sequence got its slot."""

    def deliver(self, ids: Ids, details: Details | None) -> None:
        """Take the next characters; `ids` is valid until the call returns."""

    def finish(self, ending: Ending | None) -> None:
        """Take the ending, or None when the engine failed."""


@dataclass
class Slot:
    """A running sequence and the results that are not delivered yet."""

    sequence: Scheduled
    details: Details | None = None
    snapshots: list[Snapshot] = field(default_factory=list)
    first_time: float = 0.0  # when the first character was drawn
    delivered: int = 0  # characters
    due: float = 0.0  # the earliest time of the next delivery before the end


class Scheduler:
    """Continuous batching: rows join and leave at any step.

    Running sequences fill rows 0 to n - 1. A step feeds each row one character of its tape, so rows
    in prefill and rows in decode share every step.
    """

    def __init__(
        self,
        batch: Batch,
        capacity: int,
        tape_length: int,
        vocabulary_size: int,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self.waiting: deque[Scheduled] = deque()
        self.aborts: deque[Scheduled] = deque()
        self.running: list[Slot] = []  # row by row
        self._batch = batch
        self._capacity = capacity
        self._vocabulary_size = vocabulary_size
        self._clock = clock
        self._table = Table(batch.state, tape_length, vocabulary_size)
        self._rows = np.arange(capacity)

    @property
    def idle(self) -> bool:
        """Whether no sequence runs, waits or is to be aborted."""
        return not (self.running or self.waiting or self.aborts)

    def step(self) -> None:
        """Admit sequences to free slots, advance every row by one character, deliver results."""
        self._admit()
        if self.running:
            self._advance(self._rows[: len(self.running)])
        self._abort()
        self._hand_out()

    def give_up(self) -> list[Scheduled]:
        """Forget every sequence that runs or waits, and return these sequences."""
        sequences = [*(slot.sequence for slot in self.running), *self.waiting]
        self.running.clear()
        self.waiting.clear()
        self.aborts.clear()
        return sequences

    def _admit(self) -> None:
        while self.waiting and len(self.running) < self._capacity:
            sequence = self.waiting.popleft()
            slot = Slot(sequence)
            if sequence.job.wants_details:
                slot.details = Details.empty(len(sequence.job), self._vocabulary_size)
            self._table.fill(len(self.running), sequence.job)
            self.running.append(slot)
            sequence.admit(self._clock())

    def _advance(self, rows: Ids) -> None:
        """Feed each row the character at its position, and draw where the prompt is consumed."""
        table = self._table
        position = table.position[: len(rows)]
        logits = self._batch.step(table.tape[rows, position])
        position += 1  # a view: this moves the table's own positions
        drawing = rows[position >= table.prompt_end[: len(rows)]]
        if drawing.size:
            self._draw(logits[drawing], drawing)
        self._snapshot(rows)

    def _draw(self, logits: Floats, rows: Ids) -> None:
        """Draw a character from logits [B, V] for each of the rows [B]."""
        table = self._table
        ids = table.draw(logits, rows)
        for row in rows[table.position[rows] == table.prompt_end[rows]].tolist():
            self.running[row].first_time = self._clock()
        wanted = [n for n, row in enumerate(rows.tolist()) if self.running[row].details is not None]
        if wanted:
            self._describe(logits[wanted], rows[wanted], ids[wanted])

    def _describe(self, logits: Floats, rows: Ids, ids: Ids) -> None:
        """Keep the details of the drawn ids [B], one for each of the rows [B]."""
        details = describe(logits, ids)
        indices = self._table.position[rows] - self._table.prompt_end[rows]
        for n, (row, index) in enumerate(zip(rows.tolist(), indices.tolist(), strict=True)):
            kept = self.running[row].details
            assert kept is not None  # made when the sequence was admitted
            kept.logprobs[index] = details.logprobs[n]
            kept.top_ids[index] = details.top_ids[n]
            kept.top_logprobs[index] = details.top_logprobs[n]

    def _snapshot(self, rows: Ids) -> None:
        """Copy the state of each row whose text has reached a multiple of the interval."""
        table = self._table
        consumed = table.position[: len(rows)] + table.to_text[: len(rows)]
        for row in rows[consumed % SNAPSHOT_INTERVAL == 0].tolist():
            snapshot = Snapshot(int(consumed[row]), table.state[row].copy())
            self.running[row].snapshots.append(snapshot)

    def _abort(self) -> None:
        """End aborted sequences at the character that is drawn now."""
        while self.aborts:
            sequence = self.aborts.popleft()
            for row, slot in enumerate(self.running):
                if slot.sequence is sequence:
                    self._table.end[row] = self._table.position[row] + 1
            if sequence in self.waiting:
                self.waiting.remove(sequence)
                sequence.finish(Ending())

    def _hand_out(self) -> None:
        """Release the rows that have reached their end, and deliver to followed sequences."""
        table, count = self._table, len(self.running)
        (ended,) = (table.position[:count] + 1 >= table.end[:count]).nonzero()
        # From the last row down: releasing a row moves the last one into its place.
        for row in ended[::-1].tolist():
            self._finish(row)
        now = self._clock()
        for row, slot in enumerate(self.running):
            if slot.sequence.followed and now >= slot.due and self._drawn(row) > 0:
                slot.due = now + INTERVAL
                self._deliver(row)

    def _drawn(self, row: int) -> int:
        """Return the number of characters that a row has drawn; 0 or less in prefill."""
        return int(self._table.position[row] + 1 - self._table.prompt_end[row])

    def _deliver(self, row: int) -> None:
        """Deliver the characters of a row that are drawn and not delivered."""
        slot, tape = self.running[row], self._table.tape[row]
        begin, end = slot.delivered, self._drawn(row)
        slot.delivered = end
        prompt_end = int(self._table.prompt_end[row])
        details = None if slot.details is None else slot.details[begin:end]
        slot.sequence.deliver(tape[prompt_end + begin : prompt_end + end], details)

    def _finish(self, row: int) -> None:
        slot = self.running[row]
        ending = Ending()
        if self._drawn(row) > 0:
            self._deliver(row)
            state = self._table.state[row].copy()
            ending = Ending(state, slot.snapshots, slot.first_time, self._clock())
        self._release(row)
        slot.sequence.finish(ending)

    def _release(self, row: int) -> None:
        """Free a row by moving the last running one into it."""
        last = self.running.pop()
        if row < len(self.running):
            self.running[row] = last
            self._table.move(len(self.running), row)
