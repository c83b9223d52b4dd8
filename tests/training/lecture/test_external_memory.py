"""The Neural Turing Machine: the task, the paper's equations, gradients, and training."""

from typing import Any

import numpy as np
import pytest

from training.lecture.memory.external_memory import (
    INPUTS,
    SYMBOLS,
    UNITS,
    Lstm,
    Network,
    answer,
    inputs,
    loss,
    train,
)
from training.lecture.memory.turing import CELLS, HEADS, READ, START, WIDTH, WRITE, Machine
from training.lecture.steps import sigmoid
from training.lecture.tape import Value, backward

SEQUENCE = np.array([[2, 0, 1], [3, 3, 0]])


@pytest.fixture(scope="module")
def untrained() -> Machine:
    """A machine with random weights."""
    return Machine(INPUTS, SYMBOLS, seed=1)


def test_the_inputs_of_a_sequence() -> None:
    """A sequence is its symbols, the signal, and an empty input for each symbol to write."""
    x = inputs(SEQUENCE)
    assert x.shape == (7, 2, INPUTS)
    assert np.array_equal(x[:3].argmax(axis=-1), SEQUENCE.T)
    assert np.array_equal(x.sum(axis=-1)[:, 0], [1, 1, 1, 1, 0, 0, 0])
    assert x[3, :, SYMBOLS].all()


def test_machine_and_lstm_are_of_equal_size(untrained) -> None:
    """Both networks have the same number of weights, within a twentieth."""
    sizes = [sum(w.data.size for w in each.weights) for each in (untrained, Lstm(UNITS, seed=1))]
    assert sizes[0] == pytest.approx(sizes[1], rel=0.05)


def test_the_heads_begin_by_place(untrained) -> None:
    """Before training the reading head stays at the first cell, and the writing head moves on by a cell a step."""
    _, states = answer(untrained, SEQUENCE)
    for step, state in enumerate(states, start=1):
        assert state.weightings.data.sum(axis=0) == pytest.approx(np.ones((HEADS, 2, 1)))
        assert np.all(state.weightings.data[READ].argmax(axis=0) == 0)
        assert np.all(state.weightings.data[WRITE].argmax(axis=0) == step)


def test_a_head_addresses_as_in_the_paper(untrained) -> None:
    """A weighting is that of equations 5 to 9, written as loops over the cells."""
    rng = np.random.default_rng(1)
    _, states = answer(untrained, SEQUENCE)
    before, h = states[-1], Value(rng.normal(size=states[-1].h.shape))
    after = untrained.address(h, before).data
    numbers = np.exp(untrained.numbers("numbers", h).data + START)
    keys = np.tanh(untrained.keys("key", h).data)
    for head, row in np.ndindex(HEADS, 2):
        strength, odds, *moves, sharpening = numbers[head, row]
        memory = before.memory.data[:, row]
        likeness = [
            keys[head, row] @ cell / np.linalg.norm(keys[head, row]) / np.linalg.norm(cell)
            for cell in memory
        ]
        content = np.exp(strength * np.array(likeness))
        gate = odds / (1 + odds)
        w = gate * content / content.sum() + (1 - gate) * before.weightings.data[:, head, row, 0]
        back, stay, on = np.array(moves) / sum(moves)
        moved = [
            on * w[cell - 1] + stay * w[cell] + back * w[(cell + 1) % CELLS]
            for cell in range(CELLS)
        ]
        sharp = np.array(moved) ** (1 + sharpening)
        assert after[:, head, row, 0] == pytest.approx(sharp / sharp.sum(), abs=1e-6)


def test_a_head_writes_where_it_looks(untrained) -> None:
    """A cell keeps what is not erased, and takes in what is added, both by its weight (equations 3 and 4)."""
    rng = np.random.default_rng(1)
    h, memory = Value(rng.normal(size=(1, 1, 20))), rng.normal(size=(CELLS, 1, WIDTH))
    w = rng.dirichlet(np.ones(CELLS))[:, None, None]
    written = untrained.write(h, Value(w), Value(memory)).data
    erase = sigmoid(untrained.vectors("erase", h).data)
    add = np.tanh(untrained.vectors("add", h).data)
    assert written == pytest.approx(memory * (1 - w * erase) + w * add)


def test_gradients_reach_every_weight(untrained) -> None:
    """The gradient by one number of each array of weights is the difference quotient."""
    backward(loss(untrained, SEQUENCE))
    for weights in untrained.weights:
        place = (0, *np.unravel_index(weights.data[0].argmax(), weights.shape[1:]))
        gradient, kept, values = weights.gradient[place], weights.data[place], []
        for nudge in (1e-6, -1e-6):
            weights.data[place] = kept + nudge
            values.append(float(loss(untrained, SEQUENCE).data))
        weights.data[place] = kept
        assert gradient == pytest.approx((values[0] - values[1]) / 2e-6, abs=1e-6)


@pytest.mark.parametrize("network", ["machine", "alone"])
def test_a_network_learns_to_copy(network) -> None:
    """After 60 updates with two or three symbols the loss is below 1.6 nats; before, it is about log 8."""
    each: Network[Any] = Machine(INPUTS, SYMBOLS, 1) if network == "machine" else Lstm(UNITS, 1)
    losses = train(each, iterations=60, seed=1, longest=3)
    assert losses[0] == pytest.approx(np.log(SYMBOLS), abs=0.3)
    assert np.mean(losses[-10:]) < 1.6
