"""The computational graph for arrays: every gradient is the difference quotient."""

import numpy as np
import pytest

from training.lecture.descent import descend
from training.lecture.tape import (
    Value,
    backward,
    cross_entropy,
    exp,
    highest,
    join,
    mean,
    part,
    power,
    roll,
    sigmoid,
    tanh,
    total,
)

RNG = np.random.default_rng(1)
A, B, ROW = RNG.normal(size=(2, 3, 4)), RNG.normal(size=(2, 4, 3)), RNG.normal(size=(1, 4))
TARGETS = np.array([[0, 3, 1], [2, 2, 0]])

OPERATIONS = {
    "sums of a repeated array": lambda a, row: (a + row) * (1.0 - row) - row,
    "products": lambda a, row: a @ B * 2.0 + 0.5 * (row @ B),
    "a weight used twice": lambda a, row: tanh(a * row) * row,
    "sigmoid": lambda a, row: sigmoid(a * a - row),
    "exponential": lambda a, row: exp(a * row),
    "power": lambda a, row: power(a * a + 0.1, row * 2.0),
    "sum along an axis": lambda a, row: total(a * row, axis=0) * a,
    "numbers moved on": lambda a, row: roll(a * row, 1, axis=2) * a,
    "a part": lambda a, row: part(a * row, np.s_[:, 0:2, None]) * part(a, np.s_[:, 1:3, None]),
    "parts side by side": lambda a, row: join([a, a * row]) @ np.ones((8, 2)),
    "maximum": lambda a, row: highest(a * row, axis=1),
    "loss of logits": lambda a, row: cross_entropy(a + row, TARGETS),
    "mean": lambda a, row: mean(a * row),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_gradients_are_difference_quotients(name) -> None:
    """`backward` gives the gradient of the sum of the output by each number of both inputs."""
    inputs = [Value(A.copy()), Value(ROW.copy())]
    backward(OPERATIONS[name](*inputs))
    for source in inputs:
        for place in np.ndindex(source.shape):
            kept, sums = source.data[place], []
            for nudge in (1e-6, -1e-6):
                source.data[place] = kept + nudge
                sums.append(OPERATIONS[name](*inputs).data.sum())
            source.data[place] = kept
            assert source.gradient[place] == pytest.approx((sums[0] - sums[1]) / 2e-6, abs=1e-6)


def test_descent_finds_the_least() -> None:
    """Adam finds the minimum of two squares, and returns the loss of each update."""
    weights = Value(np.array([3.0, -2.0]))

    def loss(wanted: np.ndarray) -> Value:
        return (weights - wanted) * (weights - wanted)

    losses = descend(loss, [weights], iter([np.array([1.0, 5.0])] * 300), 300, learning_rate=0.2)
    assert weights.data == pytest.approx([1, 5], abs=0.01)
    assert losses[0] == pytest.approx(4 + 49)
    assert losses[-1] < 1e-3
