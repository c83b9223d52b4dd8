"""Slots: which sequence runs in which row of the batch, round by round."""

from collections import Counter
from collections.abc import Callable
from time import monotonic

import numpy as np

from service.engine.batch import RUN, Batch, Floats, Ids
from service.engine.explain import describe
from service.engine.slot import Scheduled, Slot
from service.engine.table import Table
from service.engine.waiting import FairQueue
from service.stream.automaton import Walk
from service.stream.details import Details
from service.stream.job import SNAPSHOT_INTERVAL, Ending, Snapshot

# Seconds between two deliveries to a reader before the end: often enough to look smooth, and with
# many readers seldom enough that their events cost little beside the steps (docs/performance.md).
SHORTEST, LONGEST = 0.04, 0.25
DELIVERIES = 128  # per second to all readers, between the two limits
# Characters of a turn: a row that has run for so many makes way for a sequence that waits.
TURN = 512


class Scheduler:
    """Continuous batching: rows join and leave at any round.

    Running sequences fill rows 0 to n - 1. A round feeds each row the same number of characters of
    its tape, so rows in prefill and rows in decode share every round.
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
        self.running: list[Slot] = []  # row by row
        self._batch = batch
        self._capacity = capacity
        self._vocabulary_size = vocabulary_size
        self._clock = clock
        self._longest_run = run
        self._table = Table(batch.state, tape_length, vocabulary_size)
        self._due = 0.0  # the earliest time of the next delivery to every reader

    @property
    def idle(self) -> bool:
        """Whether no sequence runs, and none waits that this scheduler would take."""
        return not self.running and not (self.waiting and self._fair_rows())

    @property
    def full(self) -> bool:
        """Whether every row is in use."""
        return len(self.running) == self._capacity

    def step(self) -> int:
        """Admit sequences to free slots, advance every row by one round, deliver results.

        Returns the number of characters that all rows together have advanced by.
        """
        self._admit()
        count = len(self.running)
        steps = self._advance(count) if count else 0
        self._abort()
        self._hand_out()
        return steps * count

    def give_up(self) -> list[Scheduled]:
        """Forget every sequence that runs, and return these sequences."""
        sequences = [slot.sequence for slot in self.running]
        self.running.clear()
        return sequences

    def _admit(self) -> None:
        rows = min(self._capacity, self._fair_rows())
        while len(self.running) < rows:
            slot = self.waiting.take()
            if slot is None:
                return
            self._place(slot)
        if self.waiting and self.full:
            self._make_way()

    def _place(self, slot: Slot) -> None:
        """Let a sequence begin or go on in the next row."""
        row, sequence = len(self.running), slot.sequence
        self.running.append(slot)
        if slot.columns is None:
            if sequence.job.wants_details:
                slot.details = Details.empty(len(sequence.job), self._vocabulary_size)
            self._table.fill(row, sequence.job)
            self._begin_walk(row)
            sequence.admit(self._clock())
        else:
            self._table.put(row, slot.columns)
            slot.columns = None
        slot.turn = int(self._table.position[row])
        self._plan(row)

    def _begin_walk(self, row: int) -> None:
        """Bring a row with a pattern to the place of the stream's earlier characters."""
        job = self.running[row].sequence.job
        if job.automaton is None:
            return
        walk = self.running[row].walk = Walk(job.automaton, job.end)
        if job.start.generated is not None:
            walk.feed_all(job.start.generated.tolist())
        self._table.needed[row] = walk.needed

    def _make_way(self) -> None:
        """Suspend a row that has had its turn, if a sequence waits that may take the row's place.

        The row is of the client with the most rows, and the one that has run longest.
        """
        rows = Counter(slot.sequence.client for slot in self.running)
        turns = (self._table.position[: len(self.running)]).tolist()
        over = [
            (rows[slot.sequence.client], position - slot.turn, row)
            for row, (slot, position) in enumerate(zip(self.running, turns, strict=True))
            if position - slot.turn >= TURN
        ]
        if not over:
            return
        *_, row = max(over)
        waiting = self.waiting.take_from(self.running[row].sequence.client, rows)
        if waiting is not None:
            self._suspend(row)
            self._place(waiting)

    def _suspend(self, row: int) -> None:
        slot = self.running[row]
        if slot.sequence.followed and self._drawn(row) > slot.delivered:
            self._deliver(row)
        slot.columns = self._table.take(row)
        self._release(row)
        self.waiting.suspend(slot)

    def _plan(self, row: int) -> None:
        """Let a row stop at its end, the next snapshot, and where it may draw in another way."""
        table = self._table
        position, prompt_end = int(table.position[row]), int(table.prompt_end[row])
        consumed = position + int(table.to_text[row])
        stops = [
            int(table.end[row]) - 1,
            position + SNAPSHOT_INTERVAL - consumed % SNAPSHOT_INTERVAL,
        ]
        if self.running[row].sequence.followed:
            stops.append(prompt_end)  # the first character is delivered at once
        if not table.plain[row]:
            stops.append(prompt_end - 1)  # from here on it takes single steps
        table.plan(row, min(stop for stop in stops if stop > position))

    def _single(self, count: int) -> bool:
        """Whether a row that is not plain draws in the next step."""
        table = self._table
        if table.plain[:count].all():
            return False
        drawing = table.position[:count] + 1 >= table.prompt_end[:count]
        return bool((drawing & ~table.plain[:count]).any())

    def _advance(self, count: int) -> int:
        """Advance each row to the nearest stop of all, or by one step where a row needs that.

        Returns the number of steps.
        """
        if self._single(count):
            self._run_one(count)
            return 1
        table = self._table
        steps = min(self._longest_run, int((table.stop[:count] - table.position[:count]).min()))
        ids = table.tape[np.arange(count), table.position[:count]]
        known, uniforms = table.ahead(count, steps)
        table.append(self._batch.run(ids, known, uniforms, table.steepness[:count]))
        return steps

    def _run_one(self, count: int) -> None:
        """Advance each row by one character, with all that a sampling and a job may ask for."""
        table, rows = self._table, np.arange(count)
        position = table.position[:count]
        logits = self._batch.step(table.tape[rows, position])
        position += 1  # a view: this moves the table's own positions
        drawing = rows[position >= table.prompt_end[:count]]
        if drawing.size:
            self._draw(logits[drawing], drawing)

    def _draw(self, logits: Floats, rows: Ids) -> None:
        """Draw a character from logits [B, V] for each of the rows [B]."""
        ids = self._table.draw(logits, rows)
        (bounded,) = self._table.bounded[rows].nonzero()
        for row, id_ in zip(rows[bounded].tolist(), ids[bounded].tolist(), strict=True):
            self._walk(row, id_)
        wanted = [n for n, row in enumerate(rows.tolist()) if self.running[row].details is not None]
        if wanted:
            self._describe(logits[wanted], rows[wanted], ids[wanted])

    def _walk(self, row: int, id_: int) -> None:
        """Take the way of a drawn id through the row's pattern; end the row where its text is over."""
        walk = self.running[row].walk
        assert walk is not None  # made when the sequence was admitted
        walk.feed(id_)
        if walk.over:
            self._end(row)
        else:
            self._table.needed[row] = walk.needed

    def _end(self, row: int) -> None:
        """Let a row end at the character that is drawn now."""
        self._table.stop[row] = self._table.position[row]
        self._table.end[row] = self._table.position[row] + 1

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

    def _abort(self) -> None:
        """End aborted sequences at the character that is drawn now."""
        for row, slot in enumerate(self.running):
            if slot.sequence.aborted:
                self._end(row)

    def _hand_out(self) -> None:
        """Note first characters, look at the rows that have stopped, and deliver to readers."""
        now, count = self._clock(), len(self.running)
        for row, slot in enumerate(self.running):
            if slot.first_time is None and self._drawn(row) > 0:
                slot.first_time = now
        (stopped,) = (self._table.position[:count] == self._table.stop[:count]).nonzero()
        # From the last row down: releasing a row moves the last one into its place.
        for row in stopped[::-1].tolist():
            self._stop(row)
        self._deliver_followed(now)

    def _stop(self, row: int) -> None:
        """Keep a snapshot where one is due, and then finish the row or plan its next stop."""
        table = self._table
        consumed = int(table.position[row] + table.to_text[row])
        if consumed % SNAPSHOT_INTERVAL == 0:
            self.running[row].snapshots.append(Snapshot(consumed, table.state[row].copy()))
        if table.position[row] + 1 >= table.end[row]:
            self._finish(row)
        else:
            self._plan(row)

    def _deliver_followed(self, now: float) -> None:
        """Deliver a reader's first characters at once, and later ones to all readers together."""
        due = now >= self._due
        readers = 0
        for row, slot in enumerate(self.running):
            if slot.sequence.followed and slot.first_time is not None:
                readers += 1
                if due or not slot.delivered:
                    self._deliver(row, slot.report())
        if due and readers:
            self._due = now + min(LONGEST, max(SHORTEST, readers / DELIVERIES))

    def _drawn(self, row: int) -> int:
        """Return the number of characters that a row has drawn; 0 or less in prefill."""
        return int(self._table.position[row] + 1 - self._table.prompt_end[row])

    def _deliver(self, row: int, snapshot: Snapshot | None = None) -> None:
        """Deliver the characters of a row that are drawn and not delivered, with a snapshot."""
        slot, tape = self.running[row], self._table.tape[row]
        begin, end = slot.delivered, self._drawn(row)
        slot.delivered = end
        prompt_end = int(self._table.prompt_end[row])
        details = None if slot.details is None else slot.details[begin:end]
        ids = tape[prompt_end + begin : prompt_end + end]
        slot.sequence.deliver(ids, details, snapshot=snapshot)

    def _finish(self, row: int) -> None:
        slot = self.running[row]
        ending = Ending()
        if slot.first_time is not None:
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
