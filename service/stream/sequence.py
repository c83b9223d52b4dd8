"""One in-flight generation: written by the engine, read by any number of requests."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic

import numpy as np
from numpy.typing import NDArray

from service.errors import ServiceError
from service.stream.details import Details
from service.stream.generation import Sampling

Ids = NDArray[np.int64]
State = NDArray[np.float32]

# A state is kept of every text at each multiple of this many characters.
SNAPSHOT_INTERVAL = 256


@dataclass(frozen=True)
class Start:
    """Where a sequence begins: a state that has consumed `consumed` characters of the text.

    `prompt` is what it must consume next, at least one character, before it draws.
    """

    prompt: Ids
    consumed: int = 0
    state: State | None = None  # None: the zero state
    generated: Ids | None = None  # of the stream before it, where the sampling asks for it


@dataclass(frozen=True)
class Snapshot:
    """The state after the first `consumed` characters of a text (seed text and generated)."""

    consumed: int
    state: State


@dataclass(frozen=True)
class Ending:
    """What is left of a sequence when it has ended.

    `state` has consumed every drawn character but the last; None when none was drawn. `first` and
    `last` are the monotonic times of the first and the last drawn character.
    """

    state: State | None = None
    snapshots: list[Snapshot] = field(default_factory=list)
    first: float = 0.0
    last: float = 0.0


def _ignore(*_: object) -> None:
    """Do nothing: the engine is in this process and looks for itself."""


class Sequence:
    """Characters `first` to `end` of a stream, as far as they are drawn.

    The engine writes through `begin`, `deliver` and `finish`; readers wait and look.
    """

    def __init__(
        self, start: Start, sampling: Sampling, end: int, first: int = 0, *, details: bool = False
    ) -> None:
        self.start = start
        self.sampling = sampling
        self.first = first
        self.end = end
        self.wants_details = details
        # Whether a reader reads along, so that the engine hands characters out before the end.
        self.followed = False
        self.on_follow: Callable[[], None] = _ignore
        self.on_cancel: Callable[[], None] = _ignore
        self.created = monotonic()
        self.started: float | None = None  # when it left the queue
        self.ending: Ending | None = None
        self._ids = np.zeros(end - first, np.int64)
        self._details: Details | None = None
        self._count = 0
        self._ended = False
        self._error: ServiceError | None = None
        self._changed = threading.Condition()

    # The engine's side

    def begin(self, time: float) -> None:
        """Say that the sequence has got its slot."""
        self.started = time

    def deliver(self, ids: Ids, details: Details | None) -> None:
        """Show the next characters to the readers and wake them."""
        with self._changed:
            begin, self._count = self._count, self._count + len(ids)
            self._ids[begin : self._count] = ids
            if details is not None:
                self._details = details if self._details is None else self._details + details
            self._changed.notify_all()

    def finish(self, ending: Ending | None, error: ServiceError | None = None) -> None:
        """Say that nothing more will come, and why, if it should have."""
        with self._changed:
            self.ending, self._error = ending, error
            self._ended = True
            self._changed.notify_all()

    # The readers' side

    @property
    def ended(self) -> bool:
        """Whether nothing more will come."""
        return self._ended

    @property
    def stage(self) -> str:
        """Where the sequence stands: queued, running or ended."""
        if self._ended:
            return "ended"
        return "queued" if self.started is None else "running"

    @property
    def ids(self) -> Ids:
        """The characters delivered so far."""
        return self._ids[: self._count]

    @property
    def details(self) -> Details | None:
        """The details of the characters delivered so far, if they were wanted."""
        return self._details

    def wait(self, wanted: int, timeout: float) -> bool:
        """Wait until that many characters are there or none will come; False after the timeout.

        Raises the `ServiceError` that ended the sequence early.
        """

        def there() -> bool:
            if self._ended or self._count >= wanted:
                return True
            if not self.followed and wanted < len(self._ids):
                self.followed = True
                self.on_follow()
            return False

        with self._changed:
            in_time = self._changed.wait_for(there, timeout)
            if self._error is not None:
                raise self._error
            return in_time

    def cancel(self) -> None:
        """End the sequence where it stands: nobody waits for the rest."""
        self.on_cancel()

    def wait_for_end(self, timeout: float) -> None:
        """Wait until nothing more will come, or for that many seconds."""
        with self._changed:
            self._changed.wait_for(lambda: self._ended, timeout)

    def seconds(self) -> dict[str, float]:
        """Return what an ended sequence spent in the queue, on its prompt and on drawing."""
        if self.started is None or self.ending is None:
            return {}
        return {
            "queue": self.started - self.created,
            "prefill": self.ending.first - self.started,
            "decode": self.ending.last - self.ending.first,
        }
