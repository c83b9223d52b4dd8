"""The gradient of the loss at time T by the hidden state h_t, and the recall of a marked symbol."""

from collections.abc import Iterator

import keras
import numpy as np
import tensorflow as tf
from matplotlib.figure import Figure
from numpy.typing import NDArray

from training.lecture.learning import Batch, mean_nats, minimise, set_seeds
from training.lecture.lesson import Lesson, save_picture, show_table

UNITS = 24
ROWS = 64
ITERATIONS = 600
SYMBOLS = 8
INPUTS = SYMBOLS + 1  # the last input marks the symbol to recall
LONGEST = 100  # distractors after the marked symbol
RNNS = ("rnn, small W", "rnn, orthogonal W")
CELLS = (*RNNS, "gru", "lstm, forget bias 0", "lstm, forget bias 1")

Array = NDArray[np.float64]


def make_cell(name: str, units: int = UNITS) -> keras.layers.Layer:
    """Return a cell with Keras's initial weights, except where the name says otherwise."""
    if name == "rnn, small W":  # as in textbooks; Keras's default is an orthogonal W
        small = keras.initializers.RandomNormal(stddev=0.1)
        return keras.layers.SimpleRNNCell(units, recurrent_initializer=small)
    if name == "rnn, orthogonal W":
        return keras.layers.SimpleRNNCell(units)
    if name == "gru":
        return keras.layers.GRUCell(units)
    return keras.layers.LSTMCell(units, unit_forget_bias=name.endswith("1"))


class Recaller(keras.Model):  # type: ignore[misc] # Keras ships no types
    """A recurrent layer and, at every step, a softmax over the symbols."""

    def __init__(self, cell: str) -> None:
        super().__init__()
        self.cell = make_cell(cell)
        self.recurrent = keras.layers.RNN(self.cell, return_sequences=True)
        self.scores = keras.layers.Dense(SYMBOLS)
        self(tf.zeros((1, 2, INPUTS)))

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """Return the logits of every step, [rows, steps, SYMBOLS]."""
        return self.scores(self.recurrent(x))


def sequences(rows: int, distractors: int, rng: np.random.Generator) -> Batch:
    """Return random symbols x [rows, steps, INPUTS], the first marked, and the targets [rows, steps].

    The target of every step is the marked symbol.
    """
    symbols = rng.integers(SYMBOLS, size=(rows, distractors + 1)).astype(np.int32)
    x = np.eye(INPUTS, dtype=np.float32)[symbols]
    x[:, 0, -1] = 1
    return x, np.repeat(symbols[:, :1], distractors + 1, axis=1)


def batches(distractors: int, rng: np.random.Generator) -> Iterator[Batch]:
    """Yield mini-batches forever."""
    while True:
        yield sequences(ROWS, distractors, rng)


def learn(model: Recaller, iterations: int, seed: int, distractors: int = LONGEST) -> None:
    """Train the model to name the marked symbol at every step."""

    def loss(x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
        return mean_nats(model(x), y)

    rng = np.random.default_rng(seed)
    weights = model.trainable_variables
    minimise(loss, weights, batches(distractors, rng), iterations, learning_rate=0.02)


def recall(model: Recaller, seed: int, distractors: int = LONGEST, rows: int = 500) -> Array:
    """Return the share of rows with the marked symbol named, after 0, 1, … distractors."""
    x, y = sequences(rows, distractors, np.random.default_rng([seed, 1]))
    return np.asarray(np.mean(np.argmax(model(x), axis=-1) == y, axis=0))


def gradient_norms(
    model: Recaller, seed: int, longest: int = LONGEST, rows: int = 50
) -> tuple[Array, Array]:
    """Return |∂loss_T/∂h_t| and |∂loss_T/∂(state)_t| by lag T − t up to `longest`, means over rows.

    The state of an LSTM is (h_t, c_t), the state of other cells h_t. The target of loss_T is a random
    symbol, so that a model that knows the marked symbol still has a gradient.
    """
    rng = np.random.default_rng([seed, 2])
    x, _ = sequences(rows, longest, rng)
    wrong = rng.integers(SYMBOLS, size=rows)
    state = model.cell.get_initial_state(batch_size=rows)
    handed_on = []
    with tf.GradientTape() as tape:
        tape.watch(state)
        for x_t in tf.unstack(tf.constant(x), axis=1):
            _, state = model.cell(x_t, state)
            # A copy keeps the gradients apart: h_t depends on c_t, and ∂/∂c_t would count h_t again.
            state = [tf.identity(part) for part in state]
            handed_on.append(state)
        loss = mean_nats(model.scores(state[0]), wrong) * rows
    gradients = tape.gradient(loss, handed_on, unconnected_gradients="zero")[::-1]
    by_h = [tf.norm(parts[0], axis=1) for parts in gradients]
    by_state = [tf.norm(tf.concat(parts, axis=1), axis=1) for parts in gradients]
    return np.mean(by_h, axis=1), np.mean(by_state, axis=1)


def run(lesson: Lesson) -> None:
    """Measure the gradients before and after training, and the recall after training."""
    distractors = 20 if lesson.quick else LONGEST  # a short memory is learned soon
    before, after, recalled = {}, {}, {}
    for name in CELLS:
        set_seeds(lesson.seed)
        model = Recaller(name)
        before[name] = gradient_norms(model, lesson.seed)
        learn(model, lesson.iterations(ITERATIONS, quick=60), lesson.seed, distractors)
        after[name] = gradient_norms(model, lesson.seed)
        recalled[name] = recall(model, lesson.seed, distractors)
    for when, norms in (("at the start", before), ("after training", after)):
        show_table(
            f"|∂loss_T/∂h_t| {when}, by lag T − t; at last by the whole state, (h_t, c_t)",
            ["cell", "0", "10", "25", "50", "50, by state"],
            [
                [name, *map(float, by_h[[0, 10, 25, 50]]), float(by_state[50])]
                for name, (by_h, by_state) in norms.items()
            ],
        )
    distances = [n for n in (0, 1, 2, 5, 10, 20, 50, 100) if n <= distractors]
    show_table(
        f"Recalled after n distractors (guessing: {1 / SYMBOLS})",
        ["cell", *map(str, distances)],
        [[name, *map(float, rates[distances])] for name, rates in recalled.items()],
    )
    save_picture(_picture(before, after, recalled), lesson, "vanishing-gradient")


def _picture(
    before: dict[str, tuple[Array, Array]],
    after: dict[str, tuple[Array, Array]],
    recalled: dict[str, Array],
) -> Figure:
    figure = Figure(figsize=(14, 4.4), layout="constrained")
    start, end, right = figure.subplots(1, 3)
    for axes, norms in ((start, before), (end, after)):
        for name, (by_h, _) in norms.items():
            axes.semilogy(by_h, label=name)
        axes.set(xlabel="lag T − t", ylabel="|∂loss_T/∂h_t|", ylim=(1e-16, 10))
    for (name, rates), style in zip(recalled.items(), ("-", "-", "-", "--", ":"), strict=True):
        right.plot(rates, style, label=name, linewidth=2)
    right.axhline(1 / SYMBOLS, color="gray", linestyle="--", linewidth=1, label="guessing")
    right.set(xlabel="distractors since the symbol", ylabel="recalled", ylim=(0, 1.05))
    start.set_title("gradient at the start")
    end.set_title("gradient after training")
    right.set_title("recall after training")
    for axes in (start, end, right):
        axes.grid(alpha=0.3)
    right.legend(loc="center right")
    return figure
