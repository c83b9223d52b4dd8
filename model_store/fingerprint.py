"""A model's fingerprint: the SHA-256 of what its int8 graph computes along a fixed path.

The training job writes the fingerprint into the manifest. The service computes it again when it loads
the model: equal fingerprints mean that this machine computes the same texts as the training's.
"""

import hashlib
from collections.abc import Iterator
from itertools import cycle, islice
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ids = NDArray[np.int64]

# Rows of each step, again and again: matrix products have code of their own for one row, for a few
# and for many.
ROWS = (33, 1, 7, 2, 16, 3, 8, 5)
STEPS = 5 * len(ROWS)


class Walker(Protocol):
    """Rows of a step graph's state, all of it zero to begin with."""

    state: Floats
    """[parts, rows, units]"""

    def step(self, ids: Ids) -> Floats:
        """Advance the first B rows by ids [B] and return their logits [B, V]."""


def rows_to_walk(vocabulary_size: int) -> int:
    """Return how many rows the path takes: enough that every symbol is fed."""
    return max(ROWS[0], -(-vocabulary_size * len(ROWS) // STEPS))


def fingerprint(walker: Walker, vocabulary_size: int) -> str:
    """Return the SHA-256, in hexadecimal, of all logits of the path and the states at its end.

    The walker has `rows_to_walk` rows; numbers are hashed as little-endian float32.
    """
    digest = hashlib.sha256()
    for ids in _path(vocabulary_size):
        digest.update(_bytes(walker.step(ids)))
    digest.update(_bytes(walker.state))
    return digest.hexdigest()


def _path(vocabulary_size: int) -> Iterator[Ids]:
    """Yield the ids of each step: all symbols in turn."""
    fed = 0
    for rows in islice(cycle((rows_to_walk(vocabulary_size), *ROWS[1:])), STEPS):
        yield np.arange(fed, fed + rows) % vocabulary_size
        fed += rows


def _bytes(numbers: Floats) -> bytes:
    return np.ascontiguousarray(numbers, "<f4").tobytes()
