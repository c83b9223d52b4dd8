"""Texts drawn by the service's scheduler for nobody."""

from collections.abc import Sequence
from time import thread_time

from service.engine.schedule.scheduler import Scheduler
from service.stream.details import Details
from service.stream.job import Ending, Ids, Job, Snapshot


class Unread:
    """A sequence that nobody reads."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.client = ""
        self.followed = self.aborted = False

    def admit(self, time: float) -> None:
        """Do nothing."""

    def deliver(
        self, ids: Ids, details: Details | None, *, snapshot: Snapshot | None = None
    ) -> None:
        """Do nothing."""

    def finish(self, ending: Ending | None) -> None:
        """Do nothing."""


def draw(scheduler: Scheduler, jobs: Sequence[Job]) -> float:
    """Draw the text of every job; return the seconds of processor time."""
    scheduler.waiting.extend(map(Unread, jobs))
    begin = thread_time()
    while not scheduler.idle:
        scheduler.step()
    return thread_time() - begin
