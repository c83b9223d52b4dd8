"""The LSTM, the GRU, the simple RNN and mutations of them, each as its slide or its paper writes the cell.

A cell maps (h, C, x, w) to the next (h, C); `w("f", h, x)` is [h, x]·W_f + b_f. MUT1 to MUT3 are the best
cells of the search by Jozefowicz, Zaremba and Sutskever ("An empirical exploration of recurrent network
architectures", 2015). Where the paper adds x itself to a state, x passes a matrix here: x is shorter than h.
"""

from collections.abc import Callable
from functools import partial

import numpy as np

from training.lecture.tape import Value, join, sigmoid, tanh

Parts = tuple[Value, Value]  # h and C, each [starts, rows, units]


class Weights:
    """The gates of several networks side by side, W [starts, inputs, units] and b [starts, 1, units] each.

    A gate's weights are made when the gate is first used.
    """

    def __init__(self, starts: int, units: int, seed: int) -> None:
        self.starts, self.units = starts, units
        self.gates: dict[str, tuple[Value, Value]] = {}
        self._rng = np.random.default_rng(seed)

    def __call__(self, gate: str, *inputs: Value, bias: float = 0.0) -> Value:
        """Return [inputs]·W + b of this gate, [starts, rows, units]; `bias` is the first value of b."""
        joined = join(list(inputs))
        if gate not in self.gates:
            self.gates[gate] = self._make(joined.shape[-1], bias)
        W, b = self.gates[gate]
        return joined @ W + b

    @property
    def values(self) -> list[Value]:
        """W and b of every gate that was used."""
        return [value for gate in self.gates.values() for value in gate]

    def _make(self, inputs: int, bias: float) -> tuple[Value, Value]:
        limit = np.sqrt(6 / (inputs + self.units))  # Glorot and Bengio, 2010
        W = self._rng.uniform(-limit, limit, (self.starts, inputs, self.units))
        b = np.full((self.starts, 1, self.units), bias)
        return Value(W), Value(b)


Cell = Callable[[Value, Value, Value, Weights], Parts]


def rnn(h: Value, C: Value, x: Value, w: Weights) -> Parts:
    """Step the simple RNN."""
    return tanh(w("h", h, x)), C


def lstm(
    h: Value, C: Value, x: Value, w: Weights, off: str = "", forget_bias: float = 1.0
) -> Parts:
    """Step the LSTM; the gate `off` ("f", "i" or "o") is always open."""
    open_gate = Value(np.ones(C.shape))
    f = open_gate if off == "f" else sigmoid(w("f", h, x, bias=forget_bias))
    i = open_gate if off == "i" else sigmoid(w("i", h, x))
    o = open_gate if off == "o" else sigmoid(w("o", h, x))
    C = f * C + i * tanh(w("C", h, x))
    return o * tanh(C), C


def gru(h: Value, C: Value, x: Value, w: Weights) -> Parts:
    """Step the slide's GRU: reset before the product."""
    z, r = sigmoid(w("z", h, x)), sigmoid(w("r", h, x))
    return (1 - z) * h + z * tanh(w("h", r * h, x)), C


def gru_reset_after(h: Value, C: Value, x: Value, w: Weights) -> Parts:
    """Step the GRU that charloom trains: reset after the product."""
    z, r = sigmoid(w("z", h, x)), sigmoid(w("r", h, x))
    return (1 - z) * h + z * tanh(r * w("hh", h) + w("hx", x)), C


def mut1(h: Value, C: Value, x: Value, w: Weights) -> Parts:
    """Step MUT1: z reads the input alone."""
    z, r = sigmoid(w("z", x)), sigmoid(w("r", h, x))
    return (1 - z) * h + z * tanh(w("h", r * h) + tanh(w("x", x))), C


def mut2(h: Value, C: Value, x: Value, w: Weights) -> Parts:
    """Step MUT2: r and h̃ read the input through one matrix."""
    z = sigmoid(w("z", h, x))
    r = sigmoid(w("x", x) + w("r", h))
    return (1 - z) * h + z * tanh(w("h", r * h, x)), C


def mut3(h: Value, C: Value, x: Value, w: Weights) -> Parts:
    """Step MUT3: z reads tanh h."""
    z, r = sigmoid(w("z", tanh(h), x)), sigmoid(w("r", h, x))
    return (1 - z) * h + z * tanh(w("h", r * h, x)), C


CELLS: dict[str, Cell] = {
    "RNN": rnn,
    "LSTM": lstm,
    "GRU": gru,
    "GRU, reset after": gru_reset_after,
    "LSTM, forget bias 0": partial(lstm, forget_bias=0.0),
    "LSTM without f": partial(lstm, off="f"),
    "LSTM without i": partial(lstm, off="i"),
    "LSTM without o": partial(lstm, off="o"),
    "MUT1": mut1,
    "MUT2": mut2,
    "MUT3": mut3,
}
