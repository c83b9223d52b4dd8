"""Continuous batching: sequences take rows of a batch, share them in turn, and leave at their ends."""

from collections import Counter
from collections.abc import Callable
from time import monotonic

from service.engine.batch import RUN, Batch
from service.engine.schedule.deliveries import Deliveries
from service.engine.schedule.rows import Rows
from service.engine.schedule.slot import Scheduled
from service.engine.schedule.steps import Steps
from service.engine.schedule.table import Table
from service.engine.schedule.waiting import FairQueue
from service.stream.job import SNAPSHOT_INTERVAL, Snapshot

# Characters of a turn: a row that has run for so many makes way for a sequence that waits.
TURN = 512


class Scheduler:
    """Runs sequences in rounds; rows join and leave at any round.

    A round feeds each row the same number of characters of its tape, so rows in prefill and rows in
    decode share every round.
    """

    def __init__(
        self,
        batch: Batch,
        capacity: int,
        tape_length: int,
        vocabulary_size: int,
        waiting: FairQueue | None = None,
        fair_rows: Callable[[], int] | None = None,
        clock: Callable[[], float] = monotonic,
        run: int = RUN,
    ) -> None:
        """Take the batch, and how to run it.

        Several schedulers may share the queue `waiting`; `fair_rows` then returns the number of rows
        up to which this one takes sequences. `run` is the most characters of a row in one call.
        """
        self.waiting = FairQueue() if waiting is None else waiting
        self._fair_rows = fair_rows or (lambda: capacity)
        self._capacity = capacity
        self._clock = clock
        self._rows = Rows(Table(batch.state, tape_length, vocabulary_size))
        self._steps = Steps(batch, self._rows, run)
        self._deliveries = Deliveries(self._rows)

    @property
    def running(self) -> int:
        """The number of rows in use."""
        return len(self._rows)

    @property
    def idle(self) -> bool:
        """Whether no sequence runs, and none waits that this scheduler would take."""
        return not self.running and not (self.waiting and self._fair_rows())

    @property
    def full(self) -> bool:
        """Whether every row is in use."""
        return self.running == self._capacity

    def step(self) -> int:
        """Admit sequences to free rows, advance every row by one round, deliver results.

        Returns the number of characters that all rows together have advanced by.
        """
        self._admit()
        count = self.running
        steps = self._steps.advance() if count else 0
        self._abort()
        self._hand_out()
        return steps * count

    def give_up(self) -> list[Scheduled]:
        """Forget every sequence that runs, and return these sequences."""
        return self._rows.clear()

    def _admit(self) -> None:
        rows = min(self._capacity, self._fair_rows())
        while self.running < rows:
            slot = self.waiting.take()
            if slot is None:
                return
            self._rows.place(slot, self._clock())
        if self.waiting and self.full:
            self._make_way()

    def _make_way(self) -> None:
        """Suspend a row that has had its turn, if a sequence waits that may take the row's place.

        The row is of the client with the most rows, and the one that has run longest.
        """
        slots = self._rows.slots
        rows = Counter(slot.sequence.client for slot in slots)
        turns = self._rows.table.position[: len(slots)].tolist()
        over = [
            (rows[slot.sequence.client], position - slot.turn, row)
            for row, (slot, position) in enumerate(zip(slots, turns, strict=True))
            if position - slot.turn >= TURN
        ]
        if not over:
            return
        *_, row = max(over)
        waiting = self.waiting.take_from(slots[row].sequence.client, rows)
        if waiting is not None:
            self._deliveries.before_suspension(row)
            self.waiting.suspend(self._rows.suspend(row))
            self._rows.place(waiting, self._clock())

    def _abort(self) -> None:
        """End aborted sequences at the character that is drawn now."""
        for row, slot in enumerate(self._rows.slots):
            if slot.sequence.aborted:
                self._rows.end(row)

    def _hand_out(self) -> None:
        """Look at the rows that have stopped, and deliver characters."""
        now, count, table = self._clock(), self.running, self._rows.table
        self._deliveries.note_first(now)
        (stopped,) = (table.position[:count] == table.stop[:count]).nonzero()
        # From the last row down: releasing a row moves the last one into its place.
        for row in stopped[::-1].tolist():
            self._stop(row)
        self._deliveries.to_readers(now)

    def _stop(self, row: int) -> None:
        """Keep a snapshot where one is due, and then finish the row or plan its next stop."""
        table = self._rows.table
        consumed = int(table.position[row] + table.to_text[row])
        if consumed % SNAPSHOT_INTERVAL == 0:
            self._rows.slots[row].snapshots.append(Snapshot(consumed, table.state[row].copy()))
        if table.position[row] + 1 >= table.end[row]:
            self._finish(row)
        else:
            self._rows.plan(row)

    def _finish(self, row: int) -> None:
        sequence = self._rows.slots[row].sequence
        ending = self._deliveries.rest(row, self._clock())
        self._rows.release(row)
        sequence.finish(ending)
