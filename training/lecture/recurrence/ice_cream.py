"""The sign of the ice-cream store, predicted from the weather by a network of four units."""

from collections.abc import Iterator

import keras
import numpy as np
import tensorflow as tf
from matplotlib.figure import Figure
from numpy.typing import NDArray

from training.lecture import store
from training.lecture.learning import CELLS, Batch, layer, mean_nats, minimise, set_seeds
from training.lecture.lesson import Lesson, save_picture, show_table

UNITS = 4
ITERATIONS = 1000
STARTS = 3  # initial weights to choose from: with four units, some lead to no learning
CUTS = 200  # in a mini-batch
QUICK_CUTS = 50
DAYS = 100_000  # of the training record, and of the measuring record
LECTURE = 0.168  # nats per day at the end of the lecture's notebook

Array = NDArray[np.float32]


def one_hot(weather: store.Ids) -> Array:
    """Return one-hot weathers, [..., 3]."""
    return np.eye(3, dtype=np.float32)[weather]


def forward(x: Array, y: store.Ids, weights: list[NDArray[np.float32]]) -> tuple[Array, np.float32]:
    """Return ŷ [days, 2] and the loss summed over the days of one cut, in NumPy.

    x is [days, 3], y [days]. The weights are U [3, units], W [units, units], b [units], V [units, 2]
    and c [2].
    """
    U, W, b, V, c = weights
    h = np.zeros(len(b), np.float32)
    predictions, loss = [], np.float32(0)
    for x_t, y_t in zip(x, y, strict=True):
        h = np.tanh(x_t @ U + h @ W + b)
        scores = np.exp(h @ V + c)
        prediction = scores / scores.sum()  # the softmax
        loss -= np.log(prediction[y_t])
        predictions.append(prediction)
    return np.array(predictions), loss


class Network:
    """The same network in TensorFlow, with a cell written by hand."""

    def __init__(self, units: int = UNITS) -> None:
        make = keras.initializers.GlorotUniform()
        self.U = tf.Variable(make((3, units)))
        self.W = tf.Variable(make((units, units)))
        self.b = tf.Variable(tf.zeros(units))
        self.V = tf.Variable(make((units, 2)))
        self.c = tf.Variable(tf.zeros(2))
        self.weights = [self.U, self.W, self.b, self.V, self.c]

    def cell(self, x_t: tf.Tensor, h: tf.Tensor) -> tf.Tensor:
        """Return the next hidden state [cuts, units]."""
        return tf.tanh(x_t @ self.U + h @ self.W + self.b)

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """Return the logits [cuts, days, 2] for weathers x [cuts, days, 3]."""
        h = tf.zeros([tf.shape(x)[0], self.b.shape[0]])
        logits = []
        for x_t in tf.unstack(x, axis=1):
            h = self.cell(x_t, h)
            logits.append(h @ self.V + self.c)
        return tf.stack(logits, axis=1)


Result = tuple[Network | keras.Model, list[float]]  # with the loss of every mini-batch


def keras_network(cell: str, units: int = UNITS) -> keras.Model:
    """Return a network for the same task with one of Keras's cells."""
    parts = [keras.Input((store.CUT, 3)), layer(cell, units), keras.layers.Dense(2)]
    return keras.Sequential(parts)


def batches(rng: np.random.Generator, cuts: int) -> Iterator[Batch]:
    """Yield mini-batches of random cuts from one long record."""
    weather, sign = store.record(DAYS, rng)
    while True:
        x, y = store.cuts(weather, sign, cuts, rng)
        yield one_hot(x), y


def learn(
    network: Network | keras.Model, iterations: int, seed: int, cuts: int = CUTS
) -> list[float]:
    """Train the network; return the loss of every mini-batch in nats per day."""

    def loss(x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
        return mean_nats(network(x), y)

    weights = network.weights if isinstance(network, Network) else network.trainable_variables
    drawn = batches(np.random.default_rng(seed), cuts)
    return minimise(loss, weights, drawn, iterations, learning_rate=0.03)


def best_start(name: str, starts: int, iterations: int, seed: int, cuts: int = CUTS) -> Result:
    """Train from several initial weights; return the network with the lowest final loss, and its losses.

    The name is a Keras cell or "from scratch". The training loss decides, so the choice does not depend
    on the cuts that measure the result later.
    """
    results = []
    for start in range(starts):
        set_seeds(seed * starts + start)
        network = Network() if name == "from scratch" else keras_network(name)
        results.append((network, learn(network, iterations, seed, cuts)))
    return min(results, key=lambda result: np.mean(result[1][-100:]))


def loss_by_day(network: Network | keras.Model, seed: int) -> Array:
    """Return the loss of each day of a cut, [days], over 2,000 cuts of a new record."""
    rng = np.random.default_rng([seed, 1])
    weather, sign = store.cuts(*store.record(DAYS, rng), 2000, rng)
    logits = network(tf.constant(one_hot(weather)))
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(sign, logits)
    return np.asarray(tf.reduce_mean(losses, axis=0))


def parity(network: Network, seed: int) -> float:
    """Return the largest difference between NumPy's and TensorFlow's ŷ on one cut."""
    rng = np.random.default_rng(seed)
    weather, sign = store.record(store.CUT, rng)
    x = one_hot(weather)
    predictions, _ = forward(x, sign, [weight.numpy() for weight in network.weights])
    return float(np.abs(predictions - tf.nn.softmax(network(x[None])[0])).max())


def run(lesson: Lesson) -> None:
    """Train the network from scratch and Keras's cells; compare both with the least loss."""
    starts, cuts = (1, QUICK_CUTS) if lesson.quick else (STARTS, CUTS)
    least = store.least_loss()
    curves, days, rows = {}, {}, []
    for name in ("from scratch", *CELLS):
        network, curves[name] = best_start(name, starts, ITERATIONS, lesson.seed, cuts)
        days[name] = loss_by_day(network, lesson.seed)
        count = sum(int(tf.size(weight)) for weight in network.weights)
        mean = float(days[name].mean())
        rows.append([name, count, mean, mean - float(least.mean())])
        if isinstance(network, Network):
            print(f"NumPy and TensorFlow: ŷ differs by {parity(network, lesson.seed):.1e} at most")
    rows.append(["the lecture's notebook", "", LECTURE, LECTURE - float(least.mean())])
    rows.append(["least possible, exact", "", float(least.mean()), 0.0])
    show_table(
        f"Nats per day on new cuts of {store.CUT} days, {UNITS} units, {ITERATIONS} iterations, "
        f"best of {starts} starts",
        ["network", "weights", "nats", "above the least"],
        rows,
    )
    save_picture(_picture(curves, days, least), lesson, "ice-cream")


def _picture(
    curves: dict[str, list[float]], days: dict[str, Array], least: store.Probabilities
) -> Figure:
    figure = Figure(figsize=(11, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    for name, losses in curves.items():
        left.plot(losses, label=name, linewidth=1)
        right.plot(np.arange(1, store.CUT + 1), days[name], label=name)
    left.axhline(LECTURE, color="gray", linestyle=":", label="the lecture's notebook")
    left.axhline(float(least.mean()), color="black", linestyle="--", label="least possible")
    right.plot(np.arange(1, store.CUT + 1), least, "k--", label="least possible")
    left.set(title="while it learns", xlabel="iteration", ylabel="nats per day", ylim=(0, 0.75))
    right.set(title="after it, by day of the cut", xlabel="day", ylabel="nats", ylim=(0, 1.5))
    for axes in (left, right):
        axes.grid(alpha=0.3)
        axes.legend()
    return figure
