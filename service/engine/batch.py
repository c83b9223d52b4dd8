"""The interface of the engines: frozen weights that run batches of rows."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ids = NDArray[np.int64]


class Batch(Protocol):
    """Rows of state that advance together, one character per step."""

    state: Floats
    """[parts, capacity, units]: for each layer the hidden state and, of an LSTM, the cell state.

    A step reads and writes this array in place, so the scheduler may set rows of it between steps.
    """

    def step(self, ids: Ids) -> Floats:
        """Advance the first B rows by ids [B]; return their logits [B, V].

        The logits are valid until the next step.
        """


class Engine(Protocol):
    """Frozen weights that any number of batches share."""

    states: list[str]
    """The names of the parts of the state: h0, c0, h1, c1, … for an LSTM, else h0, h1, …"""

    vocabulary_size: int

    def batch(self, capacity: int) -> Batch:
        """Return a batch of `capacity` rows, all in the zero state."""
