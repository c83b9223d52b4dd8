"""An external memory: a Neural Turing Machine and an LSTM of equal size copy sequences.

The copy task (Graves, Wayne and Danihelka, 2014, section 4.1): the network reads symbols, then the signal to
answer, and writes the symbols in the same order, without a further input. In training a sequence has at most
LONGEST symbols, and at the beginning at most three.
"""

from collections.abc import Iterator
from typing import Any, Protocol, TypeVar

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from training.lecture.descent import descend
from training.lecture.lesson import Lesson, save_picture, show_table
from training.lecture.memory.turing import READ, WRITE, Machine, State
from training.lecture.tape import Array, Index, Value, cross_entropy, mean
from training.lecture.zoo import Parts, Weights, lstm

LETTERS = "abcdefgh"
SYMBOLS = len(LETTERS)
INPUTS = SYMBOLS + 1  # the last input is the signal to answer
LONGEST = 10
LENGTHS = (2, 4, 6, 8, 10, 12, 15, 20, 25, 30)
DRAWN = 15  # symbols of the drawn sequence
UNITS = 27  # of the LSTM, which has as many weights as the machine
BATCH = 16
ITERATIONS = 1200

Ids = NDArray[np.int64]
S = TypeVar("S")


class Network(Protocol[S]):
    """A network that maps the input of each step to logits, with a state of type S."""

    @property
    def weights(self) -> list[Value]:
        """All weights."""

    def start(self, rows: int) -> S:
        """Return the state before the first step."""

    def step(self, x: Array, before: S) -> tuple[Value, S]:
        """Return the logits [1, rows, SYMBOLS] for an input x [rows, INPUTS], and the next state."""


class Lstm:
    """An LSTM without an external memory."""

    def __init__(self, units: int, seed: int) -> None:
        self.gates = Weights(1, units, seed)
        self.output = Weights(1, SYMBOLS, seed + 1)
        self.step(np.zeros((1, INPUTS)), self.start(1))  # makes the weights

    @property
    def weights(self) -> list[Value]:
        """All weights."""
        return [*self.gates.values, *self.output.values]

    def start(self, rows: int) -> Parts:
        """Return h = C = 0."""
        zeros = Value(np.zeros((1, rows, self.gates.units)))
        return zeros, zeros

    def step(self, x: Array, before: Parts) -> tuple[Value, Parts]:
        """Return the logits and the next (h, C)."""
        h, C = lstm(*before, Value(x[None]), self.gates)
        return self.output("y", h), (h, C)


def inputs(symbols: Ids) -> Array:
    """Return the inputs [2·length + 1, rows, INPUTS] for symbols [rows, length]: symbols, signal, zeros."""
    rows, length = symbols.shape
    x = np.zeros((2 * length + 1, rows, INPUTS))
    x[:length] = np.eye(INPUTS)[symbols.T]
    x[length, :, SYMBOLS] = 1
    return x


def answer(network: Network[S], symbols: Ids) -> tuple[list[Value], list[S]]:
    """Return the logits [1, rows, SYMBOLS] of each answered symbol, and the state after every step."""
    state = network.start(len(symbols))
    logits, states = [], []
    for x in inputs(symbols):
        y, state = network.step(x, state)
        logits.append(y)
        states.append(state)
    return logits[-symbols.shape[1] :], states


def loss(network: Network[S], symbols: Ids) -> Value:
    """Return the loss in nats per symbol."""
    logits, _ = answer(network, symbols)
    losses = [mean(cross_entropy(y, wanted)) for y, wanted in zip(logits, symbols.T, strict=True)]
    return sum(losses, start=Value(0.0)) * (1 / len(losses))


def train(network: Network[S], iterations: int, seed: int, longest: int = LONGEST) -> list[float]:
    """Train on fresh sequences of two to three symbols at first, then up to `longest`; return the losses."""
    batches = _batches(iterations, seed, longest)
    return descend(
        lambda symbols: loss(network, symbols), network.weights, batches, iterations, 0.01
    )


def _batches(iterations: int, seed: int, longest: int) -> Iterator[Ids]:
    rng = np.random.default_rng([seed, 1])
    for number in range(iterations):
        highest = min(longest, 3 + longest * number // iterations)
        yield rng.integers(SYMBOLS, size=(BATCH, rng.integers(2, highest + 1)))


def right(network: Network[S], length: int, rows: int = 50) -> float:
    """Return the share of symbols that are copied rightly, in new sequences of this length."""
    symbols = np.random.default_rng(length).integers(SYMBOLS, size=(rows, length))
    logits, _ = answer(network, symbols)
    answered = np.array([y.data[0].argmax(axis=-1) for y in logits])
    return float(np.mean(symbols == answered.T))


def run(lesson: Lesson) -> None:
    """Train both networks; print and draw what they copy by length, and where the heads look."""
    iterations = lesson.iterations(ITERATIONS, quick=300)
    longest = 4 if lesson.quick else LONGEST  # short sequences are learned soon
    machine = Machine(INPUTS, SYMBOLS, lesson.seed)
    networks: dict[str, Network[Any]] = {
        "LSTM": Lstm(UNITS, lesson.seed),
        "Turing machine": machine,
    }
    shares = {}
    for name, network in networks.items():
        train(network, iterations, lesson.seed, longest)
        shares[name] = [right(network, length) for length in LENGTHS]
    show_table(
        f"Symbols copied rightly, by the length of the sequence; training had at most {longest}",
        ["network", "weights", *map(str, LENGTHS)],
        [
            [name, sum(w.data.size for w in network.weights), *shares[name]]
            for name, network in networks.items()
        ],
    )
    symbols = np.random.default_rng(lesson.seed).integers(SYMBOLS, size=(1, DRAWN))
    _, states = answer(machine, symbols)
    save_picture(_picture(shares, longest, symbols[0], states), lesson, "external-memory")


def _picture(
    shares: dict[str, list[float]], longest: int, symbols: Ids, states: list[State]
) -> Figure:
    figure = Figure(figsize=(13, 4.6), layout="constrained")
    curves, writing, reading = figure.subplots(1, 3)
    for (name, copied), style in zip(shares.items(), ("s-", "o-"), strict=True):
        curves.plot(LENGTHS, copied, style, label=name)
    curves.axvline(longest, color="gray", linestyle=":", label="longest in training")
    curves.axhline(1 / SYMBOLS, color="gray", linestyle="--", label="guessing")
    curves.set(xlabel="symbols", ylabel="symbols copied rightly", ylim=(0, 1.05))
    curves.grid(alpha=0.3)
    curves.legend()
    _draw_head(writing, symbols, states, WRITE, "where the machine writes")
    _draw_head(reading, symbols, states, READ, "where the machine reads")
    return figure


def _draw_head(axes: Axes, symbols: Ids, states: list[State], head: Index, title: str) -> None:
    looked = np.array([state.weightings.data[head][:, 0, 0] for state in states])
    axes.imshow(looked.T, cmap="Purples", vmin=0, vmax=1, aspect="auto")
    letters = [LETTERS[symbol] for symbol in symbols]
    axes.set_xticks(range(len(states)), [*letters, "→", *letters])
    axes.axvline(len(letters), color="gray", linestyle=":")
    axes.set(title=title, xlabel="symbols read, the signal, symbols to write", ylabel="cell")
