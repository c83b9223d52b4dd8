"""The cells: what their equations promise, equal sizes, and training."""

import numpy as np
import pytest

from training.lecture import store
from training.lecture.memory import cells
from training.lecture.memory.cells import DAYS, WEIGHTS, Networks, size, train, units_for
from training.lecture.steps import Gate, gru, lstm
from training.lecture.tape import Value
from training.lecture.zoo import CELLS, Weights


@pytest.mark.parametrize("weights", [WEIGHTS, 2 * WEIGHTS, 10 * WEIGHTS])
@pytest.mark.parametrize("name", CELLS)
def test_cells_have_equal_numbers_of_weights(name, weights, monkeypatch) -> None:
    """Every cell is within a tenth of WEIGHTS, for larger WEIGHTS too."""
    monkeypatch.setattr(cells, "WEIGHTS", weights)
    assert size(CELLS[name], units_for(CELLS[name])) == pytest.approx(weights, rel=0.1)


def test_the_cells_of_the_tape_are_the_steps_of_the_slides() -> None:
    """LSTM and GRU give the h of `steps.lstm` and `steps.gru` with the same weights."""
    rng = np.random.default_rng(1)
    h, C, x = (rng.normal(size=(1, 1, size)) for size in (4, 4, 3))
    for name, step in (
        ("LSTM", lambda gate: lstm(h, C, x, gate)),
        ("GRU", lambda gate: gru(h, x, gate)),
    ):
        w = Weights(1, 4, seed=1)
        after, _ = CELLS[name](Value(h), Value(C), Value(x), w)
        gates = {key: Gate(W.data, b.data) for key, (W, b) in w.gates.items()}
        assert after.data == pytest.approx(step(gates).h)


def test_starts_are_independent_networks() -> None:
    """The first of three starts has the losses of a network alone with the same weights."""
    weather, sign = store.record(DAYS, np.random.default_rng(1))
    many, alone = (Networks(CELLS["GRU"], 4, starts, seed=1) for starts in (3, 1))
    for ours, theirs in zip(alone.weights, many.weights, strict=True):
        ours.data = theirs.data[:1]
    batch = weather[None], sign[None]
    assert alone.losses(batch).data[0] == pytest.approx(many.losses(batch).data[0])


@pytest.mark.parametrize("name", ["LSTM", "MUT1"])
def test_a_cell_learns(name) -> None:
    """After 100 updates the loss lies between the least loss and 0.45 nats; before, it is about log 2."""
    (loss,) = train(CELLS[name], starts=1, iterations=100, seed=1)
    assert store.least_loss(DAYS).mean() < loss < 0.45
