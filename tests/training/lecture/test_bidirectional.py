"""Weather from the sign: the exact posterior, and networks of one and of two directions."""

import itertools

import numpy as np
import pytest

from training.lecture import store
from training.lecture.learning import set_seeds
from training.lecture.sequences import bidirectional


@pytest.mark.parametrize("future", [False, True])
def test_posterior_is_bayes(future) -> None:
    """The posterior equals the sum over all weathers of five days."""
    sign = np.array([1, 0, 0, 1, 0])
    expected = np.zeros((5, 3))
    for day in range(5):
        known = sign if future else sign[: day + 1]
        for weather in itertools.product(range(3), repeat=len(known)):
            belief = np.array(store.stationary())
            for x, y in zip(weather, known, strict=True):
                moved = np.bincount(store.NEXT[:, x], belief, len(belief))
                belief = np.asarray(moved * (y == store.SIGN), np.float64)
            expected[day, weather[day]] += belief.sum()
    expected /= expected.sum(axis=1, keepdims=True)
    assert bidirectional.posterior(sign, future=future) == pytest.approx(expected, abs=1e-12)


def test_the_future_helps() -> None:
    """The posterior of the whole record predicts the weather better than the posterior of the past."""
    rng = np.random.default_rng(1)
    weather, signs = store.cuts(*store.record(5000, rng), 100, rng)
    past, whole = (
        bidirectional.nats(
            np.array([bidirectional.posterior(sign, future=future) for sign in signs]), weather
        )
        for future in (False, True)
    )
    assert whole < past - 0.03 < np.log(3)


@pytest.mark.parametrize("future", [False, True])
def test_only_two_directions_see_the_future(future) -> None:
    """The sign of the last day changes earlier days only in a network that reads backward."""
    network = bidirectional.network(future=future)
    signs = np.ones((2, store.CUT), int)
    signs[1, -1] = 0
    one, other = bidirectional.probabilities(network, signs)
    assert np.array_equal(one[:-1], other[:-1]) is not future


@pytest.mark.slow
def test_two_directions_learn_to_use_the_future() -> None:
    """The network of two directions predicts the weather better than the network of one direction.

    The margins held for the seeds 0 to 9.
    """
    rng = np.random.default_rng(1)
    weather, signs = store.cuts(*store.record(5000, rng), 200, rng)
    reached = []
    for future in (False, True):
        set_seeds(1)
        network = bidirectional.network(future=future)
        bidirectional.learn(network, iterations=150, seed=1)
        reached.append(bidirectional.nats(bidirectional.probabilities(network, signs), weather))
    past, whole = reached
    assert whole < past - 0.05
    assert past < 1.02
