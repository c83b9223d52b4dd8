"""How much of the loss at time T reaches h_t, and what that means for remembering."""

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
ITERATIONS = 500
SYMBOLS = 8  # one of them is to be remembered
QUERY = SYMBOLS  # the input that asks for it
DISTRACTORS = 4  # further inputs that mean nothing
INPUTS = SYMBOLS + 1 + DISTRACTORS
LONGEST = 60  # distractors between symbol and query
CELLS = ("rnn", "gru", "lstm, forget bias 0", "lstm, forget bias 1")

Array = NDArray[np.float64]


def make_cell(name: str, units: int = UNITS) -> keras.layers.Layer:
    """Return a cell; all but the forget bias is the same for both LSTMs."""
    if name == "rnn":
        # Small random weights; Keras's own default, an orthogonal W, is already a remedy.
        small = keras.initializers.RandomNormal(stddev=0.1)
        return keras.layers.SimpleRNNCell(units, recurrent_initializer=small)
    if name == "gru":
        return keras.layers.GRUCell(units)
    return keras.layers.LSTMCell(units, unit_forget_bias=name.endswith("1"))


class Recaller(keras.Model):  # type: ignore[misc] # Keras ships no types
    """A recurrent layer and a softmax over the symbols, read at the query."""

    def __init__(self, cell: str) -> None:
        super().__init__()
        self.cell = make_cell(cell)
        self.recurrent = keras.layers.RNN(self.cell, return_sequences=True)
        self.scores = keras.layers.Dense(SYMBOLS)
        self(tf.zeros((1, LONGEST + 2), tf.int32))

    def call(self, ids: tf.Tensor) -> tf.Tensor:
        """Return the logits of every row, at its query."""
        states = self.recurrent(tf.one_hot(ids, INPUTS))
        asked = tf.argmax(tf.equal(ids, QUERY), axis=1)
        return self.scores(tf.gather(states, asked, batch_dims=1))


def sequences(rows: int, distances: NDArray[np.int64], rng: np.random.Generator) -> Batch:
    """Return rows of symbol, n distractors, query, then filling; and the symbols."""
    ids = rng.integers(SYMBOLS + 1, INPUTS, (rows, LONGEST + 2)).astype(np.int32)
    symbols = rng.integers(SYMBOLS, size=rows).astype(np.int32)
    ids[:, 0] = symbols
    ids[np.arange(rows), 1 + distances] = QUERY
    return ids, symbols


def batches(rng: np.random.Generator) -> Iterator[Batch]:
    """Yield mini-batches with every distance from none to the longest."""
    while True:
        yield sequences(ROWS, rng.integers(LONGEST + 1, size=ROWS), rng)


def learn(model: Recaller, iterations: int, seed: int) -> None:
    """Train the model to recall."""

    def loss(ids: tf.Tensor, symbols: tf.Tensor) -> tf.Tensor:
        return mean_nats(model(ids), symbols)

    rng = np.random.default_rng(seed)
    minimise(loss, model.trainable_variables, batches(rng), iterations)


def success(model: Recaller, distance: int, seed: int, rows: int = 200) -> float:
    """Return how often the model names the symbol after so many distractors."""
    rng = np.random.default_rng([seed, distance])
    ids, symbols = sequences(rows, np.full(rows, distance), rng)
    return float(np.mean(np.argmax(model(ids), axis=1) == symbols))


def gradient_norms(model: Recaller, seed: int, rows: int = 50) -> Array:
    """Return |∂loss_T/∂h_t| by lag T − t, from 0 to the longest; the mean over rows.

    What an LSTM carries from step to step is h_t and c_t, so its gradient is that by both together.
    loss_T is that of a symbol drawn at random, so that a model which knows the right one still has
    something to send back.
    """
    rng = np.random.default_rng([seed, 1])
    ids, _ = sequences(rows, np.full(rows, LONGEST), rng)
    wrong = rng.integers(SYMBOLS, size=rows)
    cell, states = model.cell, model.cell.get_initial_state(batch_size=rows)
    passed = []  # what each step hands to the next: [h_t], and for an LSTM [h_t, c_t]
    with tf.GradientTape() as tape:
        tape.watch(states)
        for x_t in tf.unstack(tf.one_hot(ids, INPUTS), axis=1):
            _, states = cell(x_t, states)
            passed.append(list(states))
        loss = mean_nats(model.scores(passed[-1][0]), wrong) * rows
    gradients = [
        tf.concat(g, axis=1)
        for g in reversed(tape.gradient(loss, passed, unconnected_gradients="zero"))
    ]
    return np.array([tf.reduce_mean(tf.norm(gradient, axis=1)) for gradient in gradients])


def run(lesson: Lesson) -> None:
    """Measure the gradients before and after training, and the recall after it."""
    distances = [0, 5, 10, 20, 30, 40, 50, 60]
    before, after, recall = {}, {}, {}
    for name in CELLS:
        set_seeds(lesson.seed)
        model = Recaller(name)
        before[name] = gradient_norms(model, lesson.seed)
        learn(model, lesson.iterations(ITERATIONS), lesson.seed)
        after[name] = gradient_norms(model, lesson.seed)
        recall[name] = [success(model, n, lesson.seed) for n in distances]
    for when, norms in (("at the start", before), ("after training", after)):
        show_table(
            f"|∂loss_T/∂h_t| {when}, by lag T − t",
            ["cell", "0", "10", "25", "50", "at 50, × rnn's"],
            [
                [name, *map(float, curve[[0, 10, 25, 50]]), float(curve[50] / norms["rnn"][50])]
                for name, curve in norms.items()
            ],
        )
    show_table(
        f"Recall after n distractors (guessing: {1 / SYMBOLS})",
        ["cell", *map(str, distances)],
        [[name, *rates] for name, rates in recall.items()],
    )
    save_picture(_picture(before, after, distances, recall), lesson, "vanishing-gradient")


def _picture(
    before: dict[str, Array],
    after: dict[str, Array],
    distances: list[int],
    recall: dict[str, list[float]],
) -> Figure:
    figure = Figure(figsize=(14, 4), layout="constrained")
    start, end, right = figure.subplots(1, 3)
    for axes, norms in ((start, before), (end, after)):
        for name, curve in norms.items():
            axes.semilogy(curve, label=name)
        axes.set(xlabel="lag T − t", ylabel="|∂loss_T/∂h_t|", ylim=(1e-20, 10))
    for name, rates in recall.items():
        right.plot(distances, rates, "o-", label=name)
    right.axhline(1 / SYMBOLS, color="gray", linestyle=":", label="guessing")
    right.set(xlabel="distractors between symbol and query", ylabel="recalled", ylim=(0, 1.05))
    start.set_title("gradient at the start")
    end.set_title("gradient after training")
    right.set_title("recall after training")
    for axes in (start, end, right):
        axes.grid(alpha=0.3)
        axes.legend()
    return figure
