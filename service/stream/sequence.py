"""One in-flight generation: written by the engine, read by any number of requests."""

import threading
from collections.abc import Callable
from math import inf
from time import monotonic

import numpy as np

from service.errors import ServiceError
from service.stream.details import Details
from service.stream.job import Ending, Ids, Job, Snapshot


def _ignore() -> None:
    """Do nothing: a scheduler in this process reads `followed` by itself."""


class Sequence:
    """The characters of a job, as far as the engine has delivered them.

    The engine writes through `admit`, `deliver` and `finish`; readers wait and read.
    """

    def __init__(self, job: Job, client: str = "", seconds_left: float = inf) -> None:
        """Take a job, who asked for it, and the seconds in which the job must be drawn."""
        self.job = job
        self.client = client
        self.seconds_left = seconds_left
        self.followed = False
        """Whether a reader wants characters before the end."""
        self.aborted = False
        """Whether no reader wants further characters."""
        self.on_follow: Callable[[], None] = _ignore
        self.on_cancel: Callable[[], None] = _ignore
        self.created = monotonic()
        self.admitted: float | None = None  # the monotonic time; None while queued
        self.ending: Ending | None = None
        self.shared = False
        """Whether another sequence has the same characters, drawn once, and the same ending."""
        self._ids = np.zeros(len(job), np.int64)
        self._details: Details | None = None
        self._snapshot: Snapshot | None = None
        self._delivered = 0
        self._ended = False
        self._error: ServiceError | None = None
        self._changed = threading.Condition()

    # The engine's side

    def admit(self, time: float) -> None:
        """Record the monotonic time at which the sequence got its slot."""
        self.admitted = time

    def deliver(
        self,
        ids: Ids,
        details: Details | None,
        place: int | None = None,
        *,
        snapshot: Snapshot | None = None,
    ) -> None:
        """Take the next characters, or the characters from a place on, and wake the readers.

        `snapshot` is a state within the characters so far. An engine that was replaced delivers
        again what its predecessor has delivered.
        """
        with self._changed:
            place = self._delivered if place is None else place
            end = place + len(ids)
            self._ids[place:end] = ids
            if details is not None:
                if self._details is None:
                    self._details = Details.empty(len(self._ids), details.top_ids.shape[1])
                self._details[place:end] = details
            self._delivered = max(self._delivered, end)
            self._snapshot = snapshot or self._snapshot
            self._changed.notify_all()

    def finish(self, ending: Ending | None, error: ServiceError | None = None) -> None:
        """End the sequence, with the error that every reader shall get, if any."""
        with self._changed:
            self.ending, self._error = ending, error
            self._ended = True
            self._changed.notify_all()

    # The readers' side

    @property
    def ended(self) -> bool:
        """Whether no further character will be delivered."""
        return self._ended

    @property
    def complete(self) -> bool:
        """Whether every character of the job is delivered; the ending follows."""
        return self._delivered == len(self._ids)

    @property
    def stage(self) -> str:
        """The stage of the sequence: queued, running or ended."""
        if self._ended:
            return "ended"
        return "queued" if self.admitted is None else "running"

    @property
    def ids(self) -> Ids:
        """The characters delivered up to now."""
        return self._ids[: self._delivered]

    @property
    def details(self) -> Details | None:
        """The details of the characters delivered up to now, if the job wants details."""
        return None if self._details is None else self._details[: self._delivered]

    def take_snapshot(self) -> Snapshot | None:
        """Return the latest state that came with delivered characters, once; None: none is new."""
        with self._changed:
            snapshot, self._snapshot = self._snapshot, None
        return snapshot

    def wait(self, wanted: int, timeout: float) -> bool:
        """Wait until `wanted` characters are delivered or the sequence has ended.

        Returns False after `timeout` seconds. Raises the `ServiceError` that ended the sequence.
        """

        def reached() -> bool:
            if self._ended or self._delivered >= wanted:
                return True
            if not self.followed and wanted < len(self._ids):
                self.followed = True
                self.on_follow()
            return False

        with self._changed:
            in_time = self._changed.wait_for(reached, timeout)
            if self._error is not None:
                raise self._error
            return in_time

    def cancel(self) -> None:
        """Ask the engine to end the sequence at the next step."""
        self.aborted = True
        self.on_cancel()

    def wait_for_end(self, timeout: float) -> None:
        """Wait until the sequence has ended, or for `timeout` seconds."""
        with self._changed:
            self._changed.wait_for(lambda: self._ended, timeout)

    def seconds(self) -> dict[str, float]:
        """Return the seconds that an ended sequence spent on queue, prefill and decode."""
        if self.admitted is None or self.ending is None:
            return {}
        return {
            "queue": self.admitted - self.created,
            "prefill": self.ending.first_time - self.admitted,
            "decode": self.ending.last_time - self.ending.first_time,
        }
