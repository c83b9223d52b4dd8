"""The rows that run: one slot and one row of the table for each, from row 0 on without gaps."""

from service.engine.schedule.slot import Scheduled, Slot
from service.engine.schedule.table import Table
from service.stream.automaton import Walk
from service.stream.details import Details
from service.stream.job import SNAPSHOT_INTERVAL


class Rows:
    """Puts slots into rows and takes them out, and says where each row stops next."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.slots: list[Slot] = []
        """The slots that run, row by row."""

    def __len__(self) -> int:
        return len(self.slots)

    def place(self, slot: Slot, now: float) -> None:
        """Let a slot begin or go on in the next row."""
        row = len(self.slots)
        self.slots.append(slot)
        if slot.columns is None:
            self._begin(row, now)
        else:
            self.table.put(row, slot.columns)
            slot.columns = None
        slot.turn = int(self.table.position[row])
        self.plan(row)

    def suspend(self, row: int) -> Slot:
        """Free a row, and return its slot with the columns to go on from."""
        slot = self.slots[row]
        slot.columns = self.table.take(row)
        self.release(row)
        return slot

    def release(self, row: int) -> None:
        """Free a row by moving the last running one into it."""
        last = self.slots.pop()
        if row < len(self.slots):
            self.slots[row] = last
            self.table.move(len(self.slots), row)

    def clear(self) -> list[Scheduled]:
        """Free every row, and return the sequences that ran."""
        sequences = [slot.sequence for slot in self.slots]
        self.slots.clear()
        return sequences

    def plan(self, row: int) -> None:
        """Let a row stop at its end, the next snapshot, and where it may draw in another way."""
        table = self.table
        position, prompt_end = int(table.position[row]), int(table.prompt_end[row])
        consumed = position + int(table.to_text[row])
        stops = [
            int(table.end[row]) - 1,
            position + SNAPSHOT_INTERVAL - consumed % SNAPSHOT_INTERVAL,
        ]
        if self.slots[row].sequence.followed:
            stops.append(prompt_end)  # the first character is delivered at once
        if not table.plain[row]:
            stops.append(prompt_end - 1)  # from here on it takes single steps
        table.plan(row, min(stop for stop in stops if stop > position))

    def end(self, row: int) -> None:
        """Let a row end at the character that is drawn now."""
        self.table.stop[row] = self.table.position[row]
        self.table.end[row] = self.table.position[row] + 1

    def drawn(self, row: int) -> int:
        """Return the number of characters that a row has drawn; 0 or less in prefill."""
        return int(self.table.position[row] + 1 - self.table.prompt_end[row])

    def _begin(self, row: int, now: float) -> None:
        """Write the job of a slot that has not run yet into the slot's row."""
        slot = self.slots[row]
        job = slot.sequence.job
        if job.wants_details:
            slot.details = Details.empty(len(job), self.table.vocabulary_size)
        self.table.fill(row, job)
        if job.automaton is not None:
            # The row goes on from the place of the stream's earlier characters in the pattern.
            slot.walk = Walk(job.automaton, job.end)
            if job.start.generated is not None:
                slot.walk.feed_all(job.start.generated.tolist())
            self.table.needed[row] = slot.walk.needed
        slot.sequence.admit(now)
