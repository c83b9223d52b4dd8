"""An error at the last step, handed back by hand through a simple RNN and through LSTMs.

With the forget gate switched off (f = 1), ∂C_t/∂C_{t−1} = 1 along the cell line, as in the first LSTM
(Hochreiter and Schmidhuber, "Long short-term memory", 1997).
"""

from dataclasses import dataclass

import numpy as np

from training.lecture.steps import Array, Gate, LstmStep, lstm

STEPS = 128
UNITS = 16
SPREAD = 0.1  # standard deviation of every weight


@dataclass(frozen=True)
class Backward:
    """Gradients by lag 0, 1, …: by the state, and each step's share of the gradient by the input weights.

    `state` is |∂loss/∂C_t|, or |∂loss/∂h_t| of a simple RNN, [steps]. `weights` [steps, inputs, units]
    is of the weights from the input to the candidate C̃, or to h of a simple RNN.
    """

    state: Array
    weights: Array


def experiment(seed: int, steps: int = STEPS, units: int = UNITS) -> dict[str, Backward]:
    """Return the gradients of four networks before any training, with the same inputs and error."""
    rng = np.random.default_rng(seed)
    x, error = rng.normal(size=(steps, units)), rng.normal(size=units)
    return {
        "simple RNN": simple_rnn(x, error, _gate(units, 0, rng)),
        "LSTM, forget bias 0": through_lstm(x, error, lstm_gates(units, 0, rng)),
        "LSTM, forget bias 1": through_lstm(x, error, lstm_gates(units, 1, rng)),
        "LSTM, forget gate off": through_lstm(x, error, lstm_gates(units, np.inf, rng)),
    }


def lstm_gates(units: int, forget_bias: float, rng: np.random.Generator) -> dict[str, Gate]:
    """Return small random gates. With an infinite forget bias f = 1: the forget gate is switched off."""
    return {name: _gate(units, forget_bias if name == "f" else 0, rng) for name in "fiCo"}


def _gate(units: int, bias: float, rng: np.random.Generator) -> Gate:
    return Gate(rng.normal(0, SPREAD, (2 * units, units)), np.full(units, float(bias)))


def simple_rnn(x: Array, error: Array, gate: Gate) -> Backward:
    """Run a simple RNN over x [steps, inputs], and hand the error ∂loss/∂h_T [units] back."""
    states = [np.zeros(len(error))]
    for x_t in x:
        states.append(np.tanh(gate(states[-1], x_t)))
    norms, shares, dh = [], [], error
    for x_t, h in zip(x[::-1], states[:0:-1], strict=True):
        norms.append(np.linalg.norm(dh))
        da = dh * (1 - h**2)
        shares.append(np.outer(x_t, da))
        dh = (gate.W @ da)[: len(h)]
    return Backward(np.array(norms), np.array(shares))


def forward(x: Array, gate: dict[str, Gate]) -> list[LstmStep]:
    """Run an LSTM over x [steps, inputs]; return every step."""
    h = C = np.zeros(len(gate["f"].b))
    steps = []
    for x_t in x:
        steps.append(lstm(h, C, x_t, gate))
        h, C = steps[-1].h, steps[-1].C
    return steps


def through_lstm(x: Array, error: Array, gate: dict[str, Gate]) -> Backward:
    """Run an LSTM over x [steps, inputs], and hand the error ∂loss/∂h_T [units] back."""
    steps = forward(x, gate)
    before = [np.zeros(len(error)), *(step.C for step in steps[:-1])]
    norms, shares = [], []
    dh, dC = error, np.zeros(len(error))
    for x_t, step, C_before in zip(x[::-1], steps[::-1], before[::-1], strict=True):
        dC = dC + dh * step.o * (1 - np.tanh(step.C) ** 2)
        norms.append(np.linalg.norm(dC))
        da = _gate_gradients(step, dh, dC, C_before)
        shares.append(np.outer(x_t, da["C"]))
        dh = np.sum([gate[name].W @ da[name] for name in gate], axis=0)[: len(dh)]
        dC = dC * step.f  # the highway: no weights, no squashing
    return Backward(np.array(norms), np.array(shares))


def _gate_gradients(step: LstmStep, dh: Array, dC: Array, C_before: Array) -> dict[str, Array]:
    """Return the gradient by each gate's [h, x]·W + b, [units] each."""
    return {
        "f": dC * C_before * step.f * (1 - step.f),
        "i": dC * step.C_new * step.i * (1 - step.i),
        "C": dC * step.i * (1 - step.C_new**2),
        "o": dh * np.tanh(step.C) * step.o * (1 - step.o),
    }
