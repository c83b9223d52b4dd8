"""Details of a character: its log-probability and the likeliest characters in its place."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LIKELIEST = 5
DIGITS = 5  # after the decimal point of a log-probability in an answer
REACH = 300  # characters, over which a gradient is handed back


@dataclass(frozen=True)
class Details:
    """Details of N characters: natural logarithms of the model's probabilities at temperature 1.

    `logprobs` [N] belong to the characters themselves, `top_ids` and `top_logprobs` [N, k] to the k
    likeliest characters in their places, in falling order.
    """

    logprobs: NDArray[np.float32]
    top_ids: NDArray[np.uint16]
    top_logprobs: NDArray[np.float32]

    @classmethod
    def empty(cls, characters: int, vocabulary_size: int) -> "Details":
        """Return zeros for a number of characters, to be written to."""
        k = min(LIKELIEST, vocabulary_size)
        return cls(
            np.zeros(characters, np.float32),
            np.zeros((characters, k), np.uint16),
            np.zeros((characters, k), np.float32),
        )

    def __len__(self) -> int:
        return len(self.logprobs)

    def __getitem__(self, part: slice) -> "Details":
        return Details(self.logprobs[part], self.top_ids[part], self.top_logprobs[part])

    def __setitem__(self, part: slice, other: "Details") -> None:
        self.logprobs[part] = other.logprobs
        self.top_ids[part] = other.top_ids
        self.top_logprobs[part] = other.top_logprobs

    def __add__(self, other: "Details") -> "Details":
        return Details(
            np.concatenate([self.logprobs, other.logprobs]),
            np.concatenate([self.top_ids, other.top_ids]),
            np.concatenate([self.top_logprobs, other.top_logprobs]),
        )


@dataclass(frozen=True)
class Look:
    """The parts of a reading that are wanted beside states and probabilities.

    `layer` is the layer whose states are wanted, `gated` are those of its units whose gates are wanted,
    and `gradient_at` is the place of the character whose loss is traced back. Only LSTMs have the last two.
    """

    layer: int
    gated: tuple[int, ...] = ()
    gradient_at: int | None = None


@dataclass(frozen=True)
class Reading:
    """After each of N characters: a layer's hidden and cell states [N, units], and the next characters.

    `likely` has the details of the likeliest next character, and `after` [V] the log-probability of
    each character of the vocabulary after the last one. Cells without a cell state give the hidden
    state as `cell`. `gates` [N, 4, k] are i, f, o and C̃ of the k gated units, and `gradient` [n] the norms
    of the gradient by the n ≤ REACH characters before its place; both are empty where not wanted.
    """

    hidden: NDArray[np.float32]
    cell: NDArray[np.float32]
    likely: Details
    after: NDArray[np.float32]
    gates: NDArray[np.float32]
    gradient: NDArray[np.float32]
