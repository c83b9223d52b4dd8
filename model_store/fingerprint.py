"""A model's fingerprint: the SHA-256 of the numbers that its int8 graph computes along a fixed path.

The training job writes the fingerprint into the manifest. The service computes the fingerprint again
when it loads the model: equal fingerprints mean that the model writes the same texts on this machine
as on the machine of the training.
"""

import hashlib
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ids = NDArray[np.int64]

# Rows of the steps of one round. Matrix products take different code for one row, for a few rows and
# for many rows, and the path runs each.
ROWS = (33, 1, 7, 2, 16, 3, 8, 5)
ROUNDS = 5


def steps_to_walk(vocabulary_size: int) -> list[Ids]:
    """Return the ids [B] of each step of the path: all symbols in turn.

    A walk starts in the zero state; a step advances the first B rows of the batch.
    """
    # The widest step comes once in each round: ROUNDS · (V / ROUNDS) symbols are all symbols.
    widest = max(ROWS[0], -(-vocabulary_size // ROUNDS))
    ends = np.cumsum(ROUNDS * (widest, *ROWS[1:]))
    return [ids % vocabulary_size for ids in np.split(np.arange(ends[-1]), ends[:-1])]


def fingerprint(logits: Iterable[Floats], states: Floats) -> str:
    """Return the SHA-256, in hexadecimal, of the logits [B, V] of each step and the states at the end.

    `states` is [parts, rows, units]. The numbers are hashed as little-endian float32.
    """
    digest = hashlib.sha256()
    for each in logits:
        digest.update(_bytes(each))
    digest.update(_bytes(states))
    return digest.hexdigest()


def _bytes(numbers: Floats) -> bytes:
    return np.ascontiguousarray(numbers, "<f4").tobytes()
