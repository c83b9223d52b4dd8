"""One step of each cell: in NumPy as on the slides, and in Keras."""

import numpy as np
import pytest

from training.lecture.recurrence.forward_pass import both_ways, compare
from training.lecture.steps import Gate, gru, gru_reset_after


@pytest.mark.parametrize("seed", range(10))
def test_both_ways_of_writing_are_one_network(seed) -> None:
    """W h + U x + b with columns gives the h of [h, x]·W + b with rows."""
    columns, rows = both_ways(seed).values()
    assert columns == pytest.approx(rows, abs=1e-12)


@pytest.mark.parametrize("seed", range(10))
def test_numpy_agrees_with_keras(seed) -> None:
    """Every cell's states after one step are Keras's, to 1e-6."""
    for name, step in compare(seed).items():
        assert step.off < 1e-6, name


def test_the_place_of_the_reset_matters() -> None:
    """With one set of weights both forms of the GRU agree only where the reset gate is open or shut alike.

    r = 1 for all units commutes with the product h·W; a reset gate of single units does not.
    """
    rng = np.random.default_rng(1)
    h, x = rng.normal(size=3), rng.normal(size=2)
    gate = {name: Gate(rng.normal(size=(5, 3)), rng.normal(size=3)) for name in "zrh"}
    opened = gate | {"r": Gate(np.zeros((5, 3)), np.full(3, np.inf))}
    for gates, same in ((gate, False), (opened, True)):
        before, after = gru(h, x, gates), gru_reset_after(h, x, gates, np.zeros(3))
        assert np.allclose(before.h, after.h) == same
