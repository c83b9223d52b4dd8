"""One in-flight generation: written by the engine's thread, read by any number of others."""

import math
import threading
from dataclasses import dataclass
from time import monotonic

import numpy as np
from numpy.typing import NDArray

from service.details import Details
from service.errors import ServiceError
from service.request import Sampling

Ids = NDArray[np.int64]
State = NDArray[np.float32]


@dataclass(frozen=True)
class Start:
    """Where a sequence begins: a state that has consumed `consumed` characters of the text.

    `prompt` is what it must consume next, at least one character, before it draws.
    """

    prompt: Ids
    consumed: int = 0
    state: State | None = None  # None: the zero state


@dataclass(frozen=True)
class Snapshot:
    """The state after the first `consumed` characters of a text (seed text and generated)."""

    consumed: int
    state: State


class Sequence:
    """Characters `first` to `end` of a stream; `drawn` grows until `ended`.

    Readers see what was delivered, in order. The engine's thread is the only writer.
    """

    def __init__(
        self, start: Start, sampling: Sampling, end: int, first: int = 0, *, details: bool = False
    ) -> None:
        self.start = start
        self.sampling = sampling
        self.first = first
        self.end = end
        self.wants_details = details
        self.snapshots: list[Snapshot] = []
        self.end_state: State | None = None  # has consumed every drawn character but the last
        self.wanted: float = math.inf  # wake the readers at this many characters
        self.ended = False
        self.created = monotonic()
        self.times: dict[str, float] = {}  # monotonic seconds: started, first, ended
        self.details_room: Details | None = None  # the engine's thread fills it, if wanted
        self._ids = np.zeros(end - first, np.int64)
        self._count = 0
        self._error: ServiceError | None = None
        self._changed = threading.Condition()

    # The engine's side

    def deliver(self, ids: Ids) -> None:
        """Show all characters drawn so far to the readers and wake them."""
        with self._changed:
            self._ids[self._count : len(ids)] = ids[self._count :]
            self._count = len(ids)
            self.wanted = math.inf
            self._changed.notify_all()

    def finish(self, error: ServiceError | None = None) -> None:
        """Say that nothing more will come, and why, if it should have."""
        with self._changed:
            self.ended = True
            self.times["ended"] = monotonic()
            self._error = error
            self._changed.notify_all()

    # The readers' side

    @property
    def stage(self) -> str:
        """Where the sequence stands: queued, running or ended."""
        if self.ended:
            return "ended"
        return "running" if "started" in self.times else "queued"

    def seconds(self) -> dict[str, float]:
        """Return what was spent in the queue, on the prompt and on drawing so far."""
        started, first = self.times["started"], self.times["first"]
        last = self.times.get("ended", monotonic())
        return {
            "queue": started - self.created,
            "prefill": first - started,
            "decode": last - first,
        }

    def wait(self, wanted: int, timeout: float) -> bool:
        """Wait until that many characters are there or none will come; False after the timeout.

        Raises the `ServiceError` that ended the sequence early.
        """

        def there() -> bool:
            if self.ended or self._count >= wanted:
                return True
            self.wanted = min(self.wanted, wanted)
            return False

        with self._changed:
            in_time = self._changed.wait_for(there, timeout)
            if self._error is not None:
                raise self._error
            return in_time

    def wait_for_end(self, timeout: float) -> None:
        """Wait until nothing more will come, or for that many seconds."""
        with self._changed:
            self._changed.wait_for(lambda: self.ended, timeout)

    @property
    def ids(self) -> Ids:
        """The characters delivered so far."""
        return self._ids[: self._count]

    @property
    def details(self) -> Details | None:
        """The details of the characters delivered so far, if they were wanted."""
        return None if self.details_room is None else self.details_room[: self._count]
