"""One step of the RNN, the LSTM and the GRU in NumPy, line by line as on the slides.

The states h and C are [units] and the input x is [inputs], or each with a leading axis of rows. [h, x] is
the hidden state followed by the input, [units + inputs].
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Gate:
    """The weights of one gate: W [units + inputs, units] and b [units]."""

    W: Array
    b: Array

    def __call__(self, h: Array, x: Array) -> Array:
        """Return [h, x]·W + b."""
        return np.asarray(np.concatenate([h, x], axis=-1) @ self.W + self.b)


@dataclass(frozen=True)
class LstmStep:
    """The values of one step of an LSTM, each [units]: three gates, the candidate, and the new states."""

    f: Array
    i: Array
    C_new: Array
    C: Array
    o: Array
    h: Array


@dataclass(frozen=True)
class GruStep:
    """The values of one step of a GRU, each [units]: two gates, the candidate, and the new state."""

    z: Array
    r: Array
    h_new: Array
    h: Array


def sigmoid(a: Array) -> Array:
    """Return 1 / (1 + exp(−a))."""
    return np.asarray(1 / (1 + np.exp(-a)))


def rnn_columns(h: Array, x: Array, W: Array, U: Array, b: Array) -> Array:
    """Return the next h, with column vectors: W [units, units], U [units, inputs], b [units]."""
    return np.asarray(np.tanh(W @ h + U @ x + b))


def rnn_rows(h: Array, x: Array, gate: Gate) -> Array:
    """Return the next h, with row vectors and one matrix for [h, x]."""
    return np.asarray(np.tanh(gate(h, x)))


def lstm(h: Array, C: Array, x: Array, gate: Mapping[str, Gate]) -> LstmStep:
    """Return one step of an LSTM with the gates "f", "i", "C" and "o"."""
    f = sigmoid(gate["f"](h, x))  # what to keep of the cell state
    i = sigmoid(gate["i"](h, x))  # where to write
    C_new = np.tanh(gate["C"](h, x))  # what to write
    C = f * C + i * C_new
    o = sigmoid(gate["o"](h, x))  # what to show
    return LstmStep(f, i, C_new, C, o, o * np.tanh(C))


def gru(h: Array, x: Array, gate: Mapping[str, Gate]) -> GruStep:
    """Return one step of the slide's GRU with the gates "z", "r" and "h": reset before the product."""
    z = sigmoid(gate["z"](h, x))
    r = sigmoid(gate["r"](h, x))
    h_new = np.tanh(gate["h"](r * h, x))
    return GruStep(z, r, h_new, (1 - z) * h + z * h_new)


def gru_reset_after(h: Array, x: Array, gate: Mapping[str, Gate], b: Array) -> GruStep:
    """Return one step of a GRU that resets after the product, h·W + b with the further bias b [units]."""
    z = sigmoid(gate["z"](h, x))
    r = sigmoid(gate["r"](h, x))
    W, U = np.split(gate["h"].W, [h.shape[-1]])
    h_new = np.tanh(r * (h @ W + b) + x @ U + gate["h"].b)
    return GruStep(z, r, h_new, (1 - z) * h + z * h_new)
