"""The store and its networks: rules, exact limits, and parity of NumPy and TensorFlow."""

from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import tensorflow as tf

from training.lecture import store
from training.lecture.learning import mean_nats, set_seeds
from training.lecture.recurrence import ice_cream
from training.lecture.store import CLOUDY, NEXT, RAINY, SIGN, SUNNY


def signs(*weather: int, rules: ModuleType = store) -> list[int]:
    state, shown = rules.FULL, []
    for day in weather:
        state = rules.NEXT[state, day]
        shown.append(int(rules.SIGN[state]))
    return shown


def test_the_rules_of_the_store() -> None:
    """Two sales empty the store; a delivery comes three days after the order, before the sale."""
    assert signs(SUNNY, SUNNY, RAINY) == [1, 0, 0]
    assert signs(CLOUDY, SUNNY, SUNNY, RAINY) == [1, 1, 0, 1]
    assert signs(CLOUDY, SUNNY, SUNNY, SUNNY) == [1, 1, 0, 0]


@pytest.mark.parametrize("days", [1, 4])
def test_the_days_of_a_delivery(days) -> None:
    """A store with another DELIVERY has a state for each stock and orders, and ice comes back after as many days."""
    source = Path(store.__file__).read_text(encoding="utf-8")
    rules = ModuleType("rules")
    exec(source.replace("DELIVERY = 3", f"DELIVERY = {days}"), vars(rules))
    assert len(rules.STATES) == 3 * 2**days
    weather = [SUNNY, SUNNY, CLOUDY, *[RAINY] * days]
    assert signs(*weather, rules=rules) == [1, 0, 0, *[0] * (days - 1), 1]
    assert rules.stationary().sum() == pytest.approx(1)


def test_a_delivery_without_room_is_lost() -> None:
    """A full store rejects a delivery, so two sales still empty the store."""
    assert signs(CLOUDY, RAINY, RAINY, RAINY, SUNNY, SUNNY) == [1, 1, 1, 1, 1, 0]


def test_stationary() -> None:
    """A day leaves the stationary distribution unchanged, and long records follow the distribution."""
    assert store.stationary() @ store.transition() == pytest.approx(store.stationary(), abs=1e-12)
    _, sign = store.record(20_000, np.random.default_rng(1))
    assert sign.mean() == pytest.approx(store.stationary() @ SIGN, abs=0.03)


def test_least_loss_is_that_of_a_perfect_observer() -> None:
    """An observer that predicts random cuts from the exact belief has the least loss."""
    rng = np.random.default_rng(2)
    weather, sign = store.cuts(*store.record(50_000, rng), 3000, rng)
    belief = np.tile(store.stationary(), (len(weather), 1))
    losses = []
    for x, y in zip(weather.T, sign.T, strict=True):
        moved = np.zeros_like(belief)
        for state in range(belief.shape[1]):
            np.add.at(moved, (np.arange(len(x)), NEXT[state, x]), belief[:, state])
        belief = moved
        ice = belief @ SIGN
        losses.append(-np.log(np.where(y == 1, ice, 1 - ice)).mean())
    assert np.mean(losses) == pytest.approx(store.least_loss().mean(), abs=0.01)


def test_numpy_agrees_with_tensorflow() -> None:
    """NumPy's forward pass gives the network's ŷ and summed loss, to 1e-5."""
    set_seeds(3)
    network = ice_cream.Network()
    assert ice_cream.parity(network, seed=3) < 1e-5
    weather, sign = store.record(store.CUT, np.random.default_rng(3))
    x = ice_cream.one_hot(weather)
    _, loss = ice_cream.forward(x, sign, [weight.numpy() for weight in network.weights])
    mean = mean_nats(network(x[None]), sign[None])
    assert loss == pytest.approx(float(mean) * store.CUT, rel=1e-5)


def test_the_network_learns() -> None:
    """After 200 updates the loss of the network from scratch lies between the least loss and 0.4."""
    set_seeds(4)
    network = ice_cream.Network()
    ice_cream.learn(network, 200, seed=4)
    loss = ice_cream.loss_by_day(network, seed=4).mean()
    assert store.least_loss().mean() < loss < 0.4


def test_the_best_start_has_the_lowest_training_loss(monkeypatch) -> None:
    """Of two starts the network with the lower loss at the end of its training is returned, with all its losses."""
    monkeypatch.setattr(ice_cream, "DAYS", 500)
    starts = []
    for start in (2, 3):
        set_seeds(start)
        network = ice_cream.keras_network("rnn")
        starts.append((ice_cream.learn(network, 3, seed=1, cuts=5), network.weights))
    best, losses = ice_cream.best_start("rnn", starts=2, iterations=3, seed=1, cuts=5)
    expected, weights = min(starts, key=lambda start: np.mean(start[0]))
    assert losses == pytest.approx(expected)
    for ours, theirs in zip(best.weights, weights, strict=True):
        assert np.asarray(ours) == pytest.approx(np.asarray(theirs))


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_keras_networks_have_the_shape_of_the_task(cell) -> None:
    """Every cell returns two logits for each day."""
    assert ice_cream.keras_network(cell)(tf.zeros((5, store.CUT, 3))).shape == (5, store.CUT, 2)
