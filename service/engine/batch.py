"""What an engine is: frozen weights that run batches of rows."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ids = NDArray[np.int64]


class Batch(Protocol):
    """Rows of state that advance together, one character per step."""

    state: Floats
    """[parts, capacity, units]: layer by layer the hidden and, of an LSTM, the cell state."""

    def step(self, ids: Ids) -> Floats:
        """Advance the first B rows by ids [B]; return their logits [B, V], valid until the next."""


class Engine(Protocol):
    """Frozen weights that can run batches."""

    states: list[str]
    """Names of the parts of the state: h0, c0, h1, …; cells other than the LSTM have no c."""

    vocabulary_size: int

    def batch(self, capacity: int) -> Batch:
        """Return a batch of that many rows, all in the zero state."""
