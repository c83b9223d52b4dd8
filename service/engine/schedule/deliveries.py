"""Deliveries: when a running sequence gets the characters that its row has drawn."""

from service.engine.schedule.rows import Rows
from service.stream.job import Ending, Snapshot

# Seconds between two deliveries to a reader before the end: often enough to look smooth, and with
# many readers seldom enough that their events cost little beside the steps (docs/performance.md).
SHORTEST, LONGEST = 0.04, 0.25
PER_SECOND = 128  # deliveries to all readers, between the two limits


class Deliveries:
    """Gives the characters of the rows to their sequences."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._due = 0.0  # the earliest time of the next delivery to every reader

    def note_first(self, now: float) -> None:
        """Note the time of each row's first character."""
        for row, slot in enumerate(self._rows.slots):
            if slot.first_time is None and self._rows.drawn(row) > 0:
                slot.first_time = now

    def to_readers(self, now: float) -> None:
        """Deliver a reader's first characters at once, and later ones to all readers together."""
        due = now >= self._due
        readers = 0
        for row, slot in enumerate(self._rows.slots):
            if slot.sequence.followed and slot.first_time is not None:
                readers += 1
                if due or not slot.delivered:
                    self._deliver(row, slot.report())
        if due and readers:
            self._due = now + min(LONGEST, max(SHORTEST, readers / PER_SECOND))

    def before_suspension(self, row: int) -> None:
        """Deliver what a reader has not got, before the row makes way for another sequence."""
        slot = self._rows.slots[row]
        if slot.sequence.followed and self._rows.drawn(row) > slot.delivered:
            self._deliver(row)

    def rest(self, row: int, now: float) -> Ending:
        """Deliver all characters that are left, and return the ending of the sequence."""
        slot = self._rows.slots[row]
        if slot.first_time is None:
            return Ending()
        self._deliver(row)
        state = self._rows.table.state[row].copy()
        return Ending(state, slot.snapshots, slot.first_time, now)

    def _deliver(self, row: int, snapshot: Snapshot | None = None) -> None:
        """Deliver the characters of a row that are drawn and not delivered, with a snapshot."""
        slot, tape = self._rows.slots[row], self._rows.table.tape[row]
        begin, end = slot.delivered, self._rows.drawn(row)
        slot.delivered = end
        prompt_end = int(self._rows.table.prompt_end[row])
        details = None if slot.details is None else slot.details[begin:end]
        ids = tape[prompt_end + begin : prompt_end + end]
        slot.sequence.deliver(ids, details, snapshot=snapshot)
