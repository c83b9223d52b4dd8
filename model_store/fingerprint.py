"""A model's fingerprint: the SHA-256 of the numbers that its int8 graph computes along a fixed path.

The training job writes the fingerprint into the manifest. The service computes the fingerprint again
when it loads the model: equal fingerprints mean that the model writes the same texts on this machine
as on the machine of the training.
"""

import hashlib
from collections.abc import Iterator
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ids = NDArray[np.int64]

# Rows of the steps of one round. Matrix products take different code for one row, for a few rows and
# for many rows, and the path runs each.
ROWS = (33, 1, 7, 2, 16, 3, 8, 5)
ROUNDS = 5


class Walker(Protocol):
    """A batch of a step graph, in the zero state at the beginning."""

    state: Floats
    """[parts, rows, units]"""

    def step(self, ids: Ids) -> Floats:
        """Advance the first B rows by ids [B] and return their logits [B, V]."""


def rows_to_walk(vocabulary_size: int) -> int:
    """Return the rows of the widest step, which are enough to feed every symbol."""
    # The widest step comes once in each round: ROUNDS · (V / ROUNDS) symbols are all symbols.
    return max(ROWS[0], -(-vocabulary_size // ROUNDS))


def fingerprint(walker: Walker, vocabulary_size: int) -> str:
    """Return the SHA-256, in hexadecimal, of all logits of the path and the states at its end.

    The walker has `rows_to_walk` rows. The numbers are hashed as little-endian float32.
    """
    digest = hashlib.sha256()
    for ids in _path(vocabulary_size):
        digest.update(_bytes(walker.step(ids)))
    digest.update(_bytes(walker.state))
    return digest.hexdigest()


def _path(vocabulary_size: int) -> Iterator[Ids]:
    """Yield the ids [rows] of each step: all symbols in turn."""
    fed = 0
    for rows in ROUNDS * (rows_to_walk(vocabulary_size), *ROWS[1:]):
        yield np.arange(fed, fed + rows) % vocabulary_size
        fed += rows


def _bytes(numbers: Floats) -> bytes:
    return np.ascontiguousarray(numbers, "<f4").tobytes()
