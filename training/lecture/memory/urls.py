"""The unit of an LSTM that codes "inside a URL", found by its cell state over a text with links."""

from collections.abc import Iterator
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from model_store import Vocabulary
from training.lecture.learning import Batch, layer, mean_nats, minimise, set_seeds
from training.lecture.lesson import Lesson, save_picture, show_table
from training.lecture.memory.links import Marks, corpus
from training.lecture.recurrence.forward_pass import gates
from training.lecture.steps import Array, lstm

UNITS = 64
CHARACTERS = 150_000
READ = 4000  # characters, to find the unit, and as many to test it
ROWS, LENGTH = 32, 64
ITERATIONS = 800
LINES, COLUMNS = 9, 100  # of the picture

ASCII = Vocabulary.from_text("".join(map(chr, range(32, 127))), 1000)


@dataclass(frozen=True)
class Reader:
    """A character LSTM, and the loss of every update in nats per character."""

    model: keras.Model
    losses: list[float]

    def cell_states(self, text: str) -> Array:
        """Return the cell state after each character, [characters, units], with the step of `steps.lstm`."""
        inputs = np.eye(len(ASCII))[ASCII.encode(text)]
        gate = gates(self.model.layers[1].cell, "ifCo")
        h = C = np.zeros(UNITS)
        states = []
        for x in inputs:
            step = lstm(h, C, x, gate)
            h, C = step.h, step.C
            states.append(C)
        return np.array(states)


def train(text: str, iterations: int, seed: int) -> Reader:
    """Train one layer of an LSTM to predict the next character."""
    set_seeds(seed)
    parts = [keras.layers.CategoryEncoding(len(ASCII), output_mode="one_hot"), layer("lstm", UNITS)]
    model = keras.Sequential(
        [keras.Input((None,), dtype="int32"), *parts, keras.layers.Dense(len(ASCII))]
    )

    def loss(x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
        return mean_nats(model(x), y)

    batches = _batches(ASCII.encode(text).astype(np.int32), seed)
    return Reader(model, minimise(loss, model.trainable_variables, batches, iterations))


def _batches(ids: NDArray[np.int32], seed: int) -> Iterator[Batch]:
    rng = np.random.default_rng(seed)
    while True:
        starts = rng.integers(len(ids) - LENGTH, size=(ROWS, 1))
        window = ids[starts + np.arange(LENGTH + 1)]
        yield window[:, :-1], window[:, 1:]


def effects(states: Array, inside: Marks) -> Array:
    """Return Cohen's d of every unit, [units]: the difference of its means inside and outside over its spread.

    `POST /inspect` ranks units by the same number (docs/api.md).
    """
    within, without = states[inside], states[~inside]
    spread = np.sqrt((within.var(axis=0) + without.var(axis=0)) / 2)
    return np.asarray((within.mean(axis=0) - without.mean(axis=0)) / (spread + 1e-9))


def separation(state: Array, inside: Marks) -> float:
    """Return the share of pairs of a character inside and one outside with the higher state inside."""
    outside = np.sort(state[~inside])
    return float(np.searchsorted(outside, state[inside]).mean() / len(outside))


def run(lesson: Lesson) -> None:
    """Train on text with links; rank the units on one text, and test and draw the best on another one."""
    rng = np.random.default_rng(lesson.seed)
    text, marks = corpus(CHARACTERS + 2 * READ, rng)
    reader = train(text[:CHARACTERS], lesson.iterations(ITERATIONS, quick=80), lesson.seed)
    states, inside = reader.cell_states(text[CHARACTERS:]), marks[CHARACTERS:]
    size = effects(states[:READ], inside[:READ])
    best = np.argsort(-np.abs(size))[:5]
    tested = states[READ:] * np.sign(size)  # turned so that a high state means inside
    rows = [[unit, float(size[unit]), separation(tested[:, unit], inside[READ:])] for unit in best]
    show_table(
        f"Units that tell addresses from other text ({reader.losses[-1]:.2f} nats per character)",
        ["unit", "Cohen's d", "pairs told apart, other text"],
        rows,
    )
    shown = slice(READ, READ + LINES * COLUMNS)
    save_picture(
        _picture(text[CHARACTERS:][shown], tested[:, best[0]], inside[READ:], best[0], size),
        lesson,
        "urls",
    )


def _picture(text: str, state: Array, inside: Marks, unit: int, size: Array) -> Figure:
    figure = Figure(figsize=(14, 6), layout="constrained")
    (top,), (bottom,) = figure.subfigures(2, 1, height_ratios=[1.5, 1], squeeze=False)
    page = top.subplots()
    _draw_text(page, text, state[: len(text)], inside[: len(text)])
    page.set_title(f"cell state of unit {unit} (green: the side of URLs); underlined: inside a URL")
    left, right = bottom.subplots(1, 2)
    bins = np.linspace(state.min(), state.max(), 50)
    left.hist(
        [state[inside], state[~inside]],
        bins,
        density=True,
        histtype="step",
        label=["inside", "outside"],
    )
    left.set(xlabel=f"cell state of unit {unit}, high: the side of URLs", ylabel="density")
    left.legend()
    right.bar(range(len(size)), np.sort(np.abs(size))[::-1])
    right.set(xlabel="units, ranked", ylabel="|Cohen's d|")
    return figure


def _draw_text(axes: Axes, text: str, state: Array, inside: Marks) -> None:
    high, low = state[inside].mean(), state[~inside].mean()
    middle, reach = (high + low) / 2, high - low  # white lies between both means
    page = state.reshape(LINES, COLUMNS)
    axes.imshow(page, "PRGn", vmin=middle - reach, vmax=middle + reach, aspect="auto", alpha=0.8)
    for place, character in enumerate(text):
        row, column = divmod(place, COLUMNS)
        axes.text(column, row, character, ha="center", va="center", family="monospace", fontsize=9)
        if inside[place]:
            axes.plot([column - 0.5, column + 0.5], [row + 0.4] * 2, "k-", linewidth=1)
    axes.axis("off")
