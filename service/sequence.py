"""One in-flight generation, as the scheduler sees it and as its reader waits for it."""

import queue
from collections.abc import Iterator
from dataclasses import dataclass, field
from time import monotonic

import numpy as np
from numpy.typing import NDArray

from service.errors import DeadlineExceeded, ServiceError
from service.request import Sampling

Ids = NDArray[np.int64]
State = NDArray[np.float32]


@dataclass(frozen=True)
class Piece:
    """Characters that are ready, in order; the last piece also holds the state at its end.

    That state has consumed every character but the last one.
    """

    ids: Ids
    end_state: State | None = None


@dataclass(eq=False)
class Sequence:
    """Characters `start` to `end` of a stream, to be drawn after consuming `prompt`."""

    prompt: Ids
    sampling: Sampling
    end: int
    start: int = 0
    state: State | None = None  # None: the zero state
    created: float = field(default_factory=monotonic)
    _ready: "queue.SimpleQueue[Piece | ServiceError]" = field(default_factory=queue.SimpleQueue)

    def put(self, piece: Piece | ServiceError) -> None:
        """Hand characters, or the reason why there are no more, to the reader."""
        self._ready.put(piece)

    def pieces(self, deadline: float) -> Iterator[Piece]:
        """Yield the pieces as they become ready.

        Raises:
            DeadlineExceeded: the next piece was not ready at the deadline (monotonic seconds).
            ServiceError: whatever ended the generation early.
        """
        while True:
            try:
                piece = self._ready.get(timeout=max(0.0, deadline - monotonic()))
            except queue.Empty:
                raise DeadlineExceeded("the generation took too long; ask for less text") from None
            if isinstance(piece, ServiceError):
                raise piece
            yield piece
            if piece.end_state is not None:
                return
