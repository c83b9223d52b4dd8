"""The LSTM, the GRU, the simple RNN and mutations of them on one small task, at equal numbers of weights."""

import math
from collections.abc import Callable, Iterator

import numpy as np
from matplotlib.figure import Figure

from training.lecture import store
from training.lecture.descent import descend
from training.lecture.lesson import Lesson, save_picture, show_table
from training.lecture.tape import Array, Value, cross_entropy
from training.lecture.zoo import CELLS, Cell, Weights

WEIGHTS = 180  # of the recurrent part, about
STARTS = 5
ITERATIONS = 400
CUTS = 60  # in a mini-batch
DAYS = 20  # of a cut
MEASURED = 1000  # cuts to measure the loss
QUICK = ("RNN", "LSTM", "GRU", "LSTM without f")  # the cells of a quick lesson
QUICK_CUTS = 30

Batch = tuple[store.Ids, store.Ids]


class Networks:
    """Networks of one cell with different initial weights, side by side, each with a softmax over the sign."""

    def __init__(self, cell: Cell, units: int, starts: int, seed: int) -> None:
        self.cell, self.units, self.starts = cell, units, starts
        self.gates = Weights(starts, units, seed)
        self.output = Weights(starts, 2, seed + 1)
        self.losses((np.zeros((1, 1), int), np.zeros((1, 1), int)))  # makes the weights

    @property
    def weights(self) -> list[Value]:
        """All weights of all networks."""
        return [*self.gates.values, *self.output.values]

    def losses(self, batch: Batch) -> Value:
        """Return the loss of each network in nats per day, [starts], on weathers and signs [cuts, days]."""
        weather, sign = batch
        h = C = Value(np.zeros((self.starts, len(weather), self.units)))
        total = Value(np.zeros((self.starts, len(weather))))
        for x, y in zip(weather.T, sign.T, strict=True):
            one_hot = np.broadcast_to(np.eye(3)[x], (self.starts, len(x), 3))
            h, C = self.cell(h, C, Value(one_hot), self.gates)
            total += cross_entropy(self.output("y", h), y)
        ones = np.full((len(weather), 1), 1 / weather.size)
        return total @ ones


def size(cell: Cell, units: int) -> int:
    """Return the number of weights of the recurrent part."""
    return sum(weight.data.size for weight in Networks(cell, units, 1, 0).gates.values)


def units_for(cell: Cell) -> int:
    """Return the number of units with which the cell comes closest to WEIGHTS weights."""
    most = math.isqrt(WEIGHTS) + 1  # each unit reads all units: a cell has more than units² weights
    return min(range(1, most + 1), key=lambda units: abs(size(cell, units) - WEIGHTS))


def train(cell: Cell, starts: int, iterations: int, seed: int, cuts: int = CUTS) -> Array:
    """Train `starts` networks of the cell; return their losses on new cuts in nats per day, [starts]."""
    networks = Networks(cell, units_for(cell), starts, seed)
    descend(networks.losses, networks.weights, _batches(seed, cuts), iterations, 0.03)
    rng = np.random.default_rng([seed, 2])
    weather, sign = store.cuts(*store.record(20_000, rng), MEASURED, rng)
    return networks.losses((weather[:, :DAYS], sign[:, :DAYS])).data[:, 0]


def _batches(seed: int, cuts: int) -> Iterator[Batch]:
    rng = np.random.default_rng([seed, 1])
    weather, sign = store.record(20_000, rng)
    while True:
        x, y = store.cuts(weather, sign, cuts, rng)
        yield x[:, :DAYS], y[:, :DAYS]


def run(lesson: Lesson) -> None:
    """Train every cell; print and draw how far each start stays above the least possible loss."""
    iterations, starts = lesson.iterations(ITERATIONS, quick=300), 2 if lesson.quick else STARTS
    cuts = QUICK_CUTS if lesson.quick else CUTS
    least = float(store.least_loss(DAYS).mean())
    above, rows = {}, []
    for name in QUICK if lesson.quick else CELLS:
        losses = train(CELLS[name], starts, iterations, lesson.seed, cuts)
        above[name] = np.sort(losses) - least
    for name in sorted(above, key=_median(above)):
        units = units_for(CELLS[name])
        best, middle, worst = np.quantile(above[name], [0, 0.5, 1])
        rows.append([name, units, size(CELLS[name], units), *map(float, (best, middle, worst))])
    show_table(
        f"Nats per day above the least possible loss ({least:.3f}): the sign of the ice-cream store, "
        f"{starts} starts of {iterations} iterations",
        ["cell", "units", "weights", "best start", "median", "worst start"],
        rows,
    )
    save_picture(_picture(above), lesson, "cells")


def _median(above: dict[str, Array]) -> Callable[[str], float]:
    return lambda name: float(np.median(above[name]))


def _picture(above: dict[str, Array]) -> Figure:
    figure = Figure(figsize=(9, 4.8), layout="constrained")
    axes = figure.add_subplot()
    names = sorted(above, key=_median(above), reverse=True)
    for line, name in enumerate(names):
        axes.plot(above[name], np.full(len(above[name]), line), "o", color="C0", alpha=0.6)
        axes.plot(np.median(above[name]), line, "k|", markersize=16, markeredgewidth=2)
    axes.set_yticks(range(len(names)), names)
    axes.set(xlabel="nats per day above the least possible loss", xlim=(0, None))
    axes.set_title(f"about {WEIGHTS} weights: each start (dot) and the median (line)")
    axes.grid(alpha=0.3)
    return figure
