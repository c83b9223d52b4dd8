"""Weight sharing: a feed-forward, a convolutional and a recurrent network name the symbol after a mark.

The mark stands at any place, as the year does in "in 2009 I went to Nepal" and "I went to Nepal in 2009"
(Goodfellow, Bengio and Courville, "Deep Learning", 2016, chapter 10). In training the mark stands at the
even places of sequences of LENGTH symbols.
"""

from collections.abc import Iterator

import numpy as np
from matplotlib.figure import Figure

from training.lecture import zoo
from training.lecture.classifier import Classifier, Ids
from training.lecture.lesson import Lesson, save_picture, show_table
from training.lecture.tape import Array, Value, highest, tanh

SYMBOLS = 4
INPUTS = SYMBOLS + 1  # the last input is the mark
LENGTH = 12
LONGER = 48
BATCH = 64
ITERATIONS = 600


def sequences(places: Ids, length: int, rng: np.random.Generator) -> tuple[Array, Ids]:
    """Return sequences x [rows, length, INPUTS] with a mark at each place, and the symbols after it [rows]."""
    rows = np.arange(len(places))
    symbols = rng.integers(SYMBOLS, size=(len(places), length))
    x = np.eye(INPUTS)[symbols]
    x[rows, places] = np.eye(INPUTS)[SYMBOLS]
    return x, symbols[rows, places + 1]


class FeedForward(Classifier):
    """A hidden layer with weights of its own for each place. It reads the first LENGTH symbols only."""

    units = 40

    def read(self, x: Array) -> Value:
        """Return tanh of the places side by side, times W, plus b."""
        side_by_side = x[:, :LENGTH].reshape(len(x), LENGTH * INPUTS)
        return tanh(self.w("h", Value(side_by_side[None])))


class Convolutional(Classifier):
    """The same weights for every pair of neighbours; the highest answer over all places counts."""

    units = 12

    def read(self, x: Array) -> Value:
        """Return the maximum over the places of tanh([x_t, x_{t+1}]·W + b)."""
        pairs = np.concatenate([x[:, :-1], x[:, 1:]], axis=-1)
        return highest(tanh(self.w("h", Value(pairs[None]))), axis=2)


class Recurrent(Classifier):
    """The same weights at every step: a GRU."""

    units = 12

    def read(self, x: Array) -> Value:
        """Return the last hidden state."""
        h = Value(np.zeros((1, len(x), self.units)))
        for x_t in x.swapaxes(0, 1):
            h, _ = zoo.gru(h, h, Value(x_t[None]), self.w)
        return h


NETWORKS: dict[str, type[Classifier]] = {
    "feed-forward": FeedForward,
    "convolutional": Convolutional,
    "recurrent": Recurrent,
}


def train(kind: type[Classifier], iterations: int, seed: int) -> Classifier:
    """Train a network on marks at even places of sequences of LENGTH symbols."""
    network = kind(LENGTH, INPUTS, SYMBOLS, seed)
    network.learn(_batches(seed), iterations, learning_rate=0.02)
    return network


def _batches(seed: int) -> Iterator[tuple[Array, Ids]]:
    rng = np.random.default_rng([seed, 1])
    while True:
        yield sequences(2 * rng.integers(LENGTH // 2, size=BATCH), LENGTH, rng)


def right_by_place(network: Classifier, length: int, seed: int, rows: int = 200) -> Array:
    """Return the share of right answers for a mark at place 0, 1, … of sequences of this length."""
    rng = np.random.default_rng([seed, 2])
    shares = []
    for place in range(length - 1):
        x, y = sequences(np.full(rows, place), length, rng)
        shares.append(float(network.right(x, y).mean()))
    return np.array(shares)


def run(lesson: Lesson) -> None:
    """Train each network; print and draw its answers by place, in sequences as long as in training and longer."""
    iterations = lesson.iterations(ITERATIONS, quick=200)
    rows, short, longer = [], {}, {}
    for name, kind in NETWORKS.items():
        network = train(kind, iterations, lesson.seed)
        short[name] = right_by_place(network, LENGTH, lesson.seed)
        longer[name] = right_by_place(network, LONGER, lesson.seed)
        shares = [short[name][::2].mean(), short[name][1::2].mean(), longer[name].mean()]
        rows.append([name, network.size, *map(float, shares)])
    rows.append(["guessing", 0, *[1 / SYMBOLS] * 3])
    show_table(
        f"Right answers; training had {LENGTH} symbols and the mark at even places",
        ["network", "weights", "even places", "odd places", f"any place of {LONGER} symbols"],
        rows,
    )
    save_picture(_picture(short, longer), lesson, "weight-sharing")


def _picture(short: dict[str, Array], longer: dict[str, Array]) -> Figure:
    figure = Figure(figsize=(12, 4.2), layout="constrained")
    for axes, results in zip(figure.subplots(1, 2, sharey=True), (short, longer), strict=True):
        for (name, shares), style in zip(results.items(), ("o-", "s-", "x-"), strict=True):
            axes.plot(shares, style, label=name, markersize=5)
        axes.plot(range(0, LENGTH - 1, 2), [0.03] * (LENGTH // 2), "k^", label="places in training")
        axes.axhline(1 / SYMBOLS, color="gray", linestyle="--", label="guessing")
        symbols = len(next(iter(results.values()))) + 1
        axes.set(
            title=f"sequences of {symbols} symbols", xlabel="place of the mark", ylim=(0, 1.05)
        )
        axes.grid(alpha=0.3)
    figure.axes[0].set_ylabel("right answers")
    figure.axes[1].legend(loc="center right")
    return figure
