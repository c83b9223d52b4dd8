"""A scripted engine: the hidden state is a running hash of the ids, so swapped rows differ."""

import numpy as np

from service.engine.batch import Batch

VOCABULARY_SIZE = 11


class ScriptedBatch(Batch):
    """Logits depend on every id that a row has consumed since its state was set.

    The hidden state is the hash and the cell state the number of these ids.
    """

    def __init__(self, capacity: int) -> None:
        self.state = np.zeros((2, capacity, 1), np.float32)
        self.sizes: list[int] = []

    def step(self, ids: np.ndarray) -> np.ndarray:
        """Advance the first B rows by ids [B] and return their logits [B, V]."""
        rows = len(ids)
        self.sizes.append(rows)
        hashed = (self.state[0, :rows, 0] * 31 + ids + 1) % 65_521  # exact in float32
        self.state[0, :rows, 0] = hashed
        self.state[1, :rows, 0] += 1
        letters = np.arange(VOCABULARY_SIZE)
        return np.sin(hashed[:, None] * (letters + 1)).astype(np.float32)


class ScriptedEngine:
    """An engine whose batches are scripted."""

    def __init__(self) -> None:
        self.states = ["h0", "c0"]
        self.vocabulary_size = VOCABULARY_SIZE

    def batch(self, capacity: int) -> ScriptedBatch:
        """Return a batch of `capacity` rows, all in the zero state."""
        return ScriptedBatch(capacity)
