"""One step of the RNN, the LSTM and the GRU: in NumPy as on the slides, and in Keras."""

from dataclasses import asdict, dataclass

import keras
import numpy as np
import tensorflow as tf
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from training.lecture import store
from training.lecture.lesson import Lesson, save_picture, show_table
from training.lecture.memory.cells import CUTS, DAYS, QUICK_CUTS, train
from training.lecture.steps import (
    Array,
    Gate,
    gru,
    gru_reset_after,
    lstm,
    rnn_columns,
    rnn_rows,
)
from training.lecture.zoo import CELLS

UNITS, INPUTS = 4, 3
GRUS = ("GRU", "GRU, reset after")
STARTS = 8
ITERATIONS = 400


@dataclass(frozen=True)
class Compared:
    """Every value of one step in NumPy, and the states after the step in Keras, [units] each."""

    values: dict[str, Array]
    keras: dict[str, Array]

    @property
    def off(self) -> float:
        """The largest difference between both."""
        return max(float(np.abs(self.values[name] - self.keras[name]).max()) for name in self.keras)


def random_cell(cell: keras.layers.Layer, rng: np.random.Generator) -> keras.layers.Layer:
    """Build a Keras cell for INPUTS inputs, with random weights and biases."""
    cell.build((None, INPUTS))
    cell.set_weights([rng.normal(0, 0.5, weight.shape) for weight in cell.get_weights()])
    return cell


def gates(cell: keras.layers.Layer, names: str) -> dict[str, Gate]:
    """Return the gates of a Keras cell; `names` is Keras's order of the gates in its matrices."""
    U, W, b = (np.asarray(weight, np.float64) for weight in cell.get_weights())
    if b.ndim == 2:  # reset after: a bias for the input, and a bias for the state
        b = np.concatenate([b.sum(axis=0)[: -cell.units], b[0, -cell.units :]])
    parts = (np.split(part, len(names), axis=-1) for part in (np.concatenate([W, U]), b))
    return {name: Gate(W, b) for name, W, b in zip(names, *parts, strict=True)}


def gru_gates(cell: keras.layers.Layer) -> dict[str, Gate]:
    """Return the gates of a GRU. Keras's z keeps the state where the slide's z takes in h̃: z = 1 − Keras's z."""
    slide = gates(cell, "zrh")
    return slide | {"z": Gate(-slide["z"].W, -slide["z"].b)}  # 1 − sigmoid(a) = sigmoid(−a)


def in_keras(cell: keras.layers.Layer, x: Array, **states: Array) -> dict[str, Array]:
    """Return the states after one step of Keras's cell."""
    row, *before = (tf.constant(part[None], tf.float32) for part in (x, *states.values()))
    _, after = cell(row, before)
    return {name: np.asarray(part)[0] for name, part in zip(states, after, strict=True)}


def compare(seed: int) -> dict[str, Compared]:
    """Take one step of each cell, from random states and with random weights."""
    rng = np.random.default_rng(seed)
    h, C, x = rng.uniform(-1, 1, UNITS), rng.normal(size=UNITS), rng.normal(size=INPUTS)
    rnn = random_cell(keras.layers.SimpleRNNCell(UNITS), rng)
    long = random_cell(keras.layers.LSTMCell(UNITS), rng)
    before = random_cell(keras.layers.GRUCell(UNITS, reset_after=False), rng)
    after = random_cell(keras.layers.GRUCell(UNITS, reset_after=True), rng)
    b = np.asarray(after.get_weights()[2], np.float64)[1, -UNITS:]
    return {
        "RNN": Compared({"h": rnn_rows(h, x, gates(rnn, "h")["h"])}, in_keras(rnn, x, h=h)),
        "LSTM": Compared(asdict(lstm(h, C, x, gates(long, "ifCo"))), in_keras(long, x, h=h, C=C)),
        GRUS[0]: Compared(asdict(gru(h, x, gru_gates(before))), in_keras(before, x, h=h)),
        GRUS[1]: Compared(
            asdict(gru_reset_after(h, x, gru_gates(after), b)), in_keras(after, x, h=h)
        ),
    }


def both_ways(seed: int) -> dict[str, Array]:
    """Return the next h of one RNN, [units], written with column vectors and with row vectors."""
    rng = np.random.default_rng(seed)
    W, U = rng.normal(size=(UNITS, UNITS)), rng.normal(size=(UNITS, INPUTS))
    h, x, b = rng.normal(size=UNITS), rng.normal(size=INPUTS), rng.normal(size=UNITS)
    stacked = Gate(np.concatenate([W.T, U.T]), b)
    return {
        "tanh(W h + U x + b)": rnn_columns(h, x, W, U, b),
        "tanh([h, x]·W + b)": rnn_rows(h, x, stacked),
    }


def run(lesson: Lesson) -> None:
    """Print every value of every step; train both forms of the GRU; draw the steps and the losses."""
    units = [f"unit {unit}" for unit in range(1, UNITS + 1)]
    written = both_ways(lesson.seed)
    _show("The next h of one RNN, written in both ways", units, written)
    compared = compare(lesson.seed)
    for name in compared:
        _show(f"One step: {name}", units, compared[name].values)
    show_table(
        "NumPy beside Keras",
        ["cell", "largest difference"],
        [[name, step.off] for name, step in compared.items()],
    )
    iterations, starts = lesson.iterations(ITERATIONS, quick=300), 2 if lesson.quick else STARTS
    cuts = QUICK_CUTS if lesson.quick else CUTS
    least = float(store.least_loss(DAYS).mean())
    above = {
        name: np.sort(train(CELLS[name], starts, iterations, lesson.seed, cuts)) - least
        for name in GRUS
    }
    show_table(
        f"Both forms of the GRU: nats per day above the least loss, {starts} starts (see `cells`)",
        ["form", "best start", "median", "worst start"],
        [[name, *map(float, np.quantile(losses, [0, 0.5, 1]))] for name, losses in above.items()],
    )
    save_picture(_picture(compared, above), lesson, "forward-pass")


def _show(title: str, units: list[str], values: dict[str, Array]) -> None:
    show_table(title, ["", *units], [[name, *map(float, row)] for name, row in values.items()])


def _picture(compared: dict[str, Compared], above: dict[str, Array]) -> Figure:
    figure = Figure(figsize=(13, 4.2), layout="constrained")
    left, middle, right = figure.subplots(1, 3)
    _draw_step(left, "LSTM", compared["LSTM"].values)
    _draw_step(middle, "GRU", compared["GRU"].values)
    for line, losses in enumerate(above.values()):
        right.plot(losses, np.full(len(losses), line), "o", alpha=0.6)
        right.plot(np.median(losses), line, "k|", markersize=20, markeredgewidth=2)
    right.set_yticks(range(len(above)), ["reset before", "reset after"])
    right.set(xlabel="nats per day above the least", xlim=(0, None), ylim=(-0.5, 1.5))
    right.set_title("both forms of the GRU, trained")
    right.grid(alpha=0.3)
    return figure


def _draw_step(axes: Axes, name: str, values: dict[str, Array]) -> None:
    shown = np.array(list(values.values()))
    axes.imshow(shown, cmap="RdBu", vmin=-1.5, vmax=1.5, aspect="auto")
    for (row, unit), number in np.ndenumerate(shown):
        axes.text(unit, row, f"{number:.2f}", ha="center", va="center")
    axes.set_yticks(range(len(values)), [key.replace("_new", "̃") for key in values])
    axes.set_xticks(range(UNITS), [f"unit {unit}" for unit in range(1, UNITS + 1)])
    axes.set_title(f"one step of the {name}: gates, candidate, state")
