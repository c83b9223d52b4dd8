"""The interface of the engines: frozen weights that run batches of rows."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from service.engine.sampler import Uniforms, sample

Floats = NDArray[np.float32]
Ids = NDArray[np.int64]

DRAWN = -1  # in the place of a known id: the row draws this character
RUN = 16  # the most characters of a row in one call


class Batch(Protocol):
    """Rows of state that advance together; a subclass gives `step`, and `run` where it is faster."""

    state: Floats
    """[parts, capacity, units]: for each layer the hidden state and, of an LSTM, the cell state.

    A step reads and writes this array in place, so the scheduler may set rows of it between steps.
    """

    def step(self, ids: Ids) -> Floats:
        """Advance the first B rows by ids [B]; return their logits [B, V].

        The logits are valid until the next step.
        """

    def run(self, ids: Ids, known: Ids, uniforms: Uniforms, steepness: Floats) -> Ids:
        """Advance the first B rows by K ≤ RUN characters; return the K next characters [K, B].

        Step 0 feeds ids [B]; step k + 1 feeds the characters of place k. These are known [K, B], or,
        where `known` is DRAWN, drawn with uniforms [K, B] and steepness [B] (see `sample`).
        """
        following = np.empty_like(known)
        for place, numbers in enumerate(uniforms):
            drawn = sample(self.step(ids), steepness, numbers)
            ids = following[place] = np.where(known[place] == DRAWN, drawn, known[place])
        return following


class Engine(Protocol):
    """Frozen weights that any number of batches share."""

    states: list[str]
    """The names of the parts of the state: h0, c0, h1, c1, … for an LSTM, else h0, h1, …"""

    vocabulary_size: int

    def batch(self, capacity: int) -> Batch:
        """Return a batch of `capacity` rows, all in the zero state."""
