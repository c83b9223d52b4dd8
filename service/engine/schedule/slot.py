"""A sequence in a slot of the batch or in the queue, and the results that are not delivered yet."""

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from service.engine.batch import Ids
from service.stream.automaton import Walk
from service.stream.details import Details
from service.stream.job import REPORT_INTERVAL, Ending, Job, Snapshot

Columns = list[NDArray[np.generic]]
"""The columns of a row outside its batch; see `Table.take`."""


class Scheduled(Protocol):
    """A sequence as the scheduler sees it: a job, and a place for results."""

    job: Job
    client: str
    """Whom the sequence is drawn for; clients share the slots."""
    followed: bool
    """Whether a reader wants characters before the end."""
    aborted: bool
    """Whether the sequence is to end at the character that is drawn now."""

    def admit(self, time: float) -> None:
        """Take the monotonic time at which the sequence got its slot."""

    def deliver(
        self, ids: Ids, details: Details | None, *, snapshot: Snapshot | None = None
    ) -> None:
        """Take the next characters, and a state within the text that they end, if one is reported.

        `ids` is valid until the call returns.
        """

    def finish(self, ending: Ending | None) -> None:
        """Take the ending, or None when the engine failed."""


@dataclass(eq=False)
class Slot:
    """A sequence that runs, waits, or was suspended, and what it has drawn."""

    sequence: Scheduled
    details: Details | None = None
    snapshots: list[Snapshot] = field(default_factory=list)
    first_time: float | None = None  # when the first character was drawn
    delivered: int = 0  # characters
    turn: int = 0  # the position on the tape at which the slot was got last
    columns: Columns | None = None  # of a suspended row
    walk: Walk | None = None  # of a text that a pattern bounds
    reported: int = 0  # characters of the prompt, or consumed by the last reported snapshot

    def __post_init__(self) -> None:
        start = self.sequence.job.start
        self.reported = start.consumed + len(start.prompt)

    def report(self) -> Snapshot | None:
        """Return the latest snapshot, if it lies far enough behind the last reported one."""
        latest = self.snapshots[-1] if self.snapshots else None
        if latest is None or latest.consumed < self.reported + REPORT_INTERVAL:
            return None
        self.reported = latest.consumed
        return latest
