"""Dynamical systems: unfolded by one function, and θ found from noisy records. The margins held for the seeds 0 to 9."""

import numpy as np
import pytest

from training.lecture.recurrence.dynamical_systems import (
    LONGER,
    SEEN,
    SYSTEMS,
    fit,
    forecast,
    growth,
    record,
    unfold,
)
from training.lecture.tape import Value


def test_unfolding_applies_the_same_f_at_every_step() -> None:
    """Three steps from s_0 are f(f(f(s_0)))."""
    states = unfold(growth, np.array([[0.2]]), Value([[3.0]]), np.zeros((3, 1, 1)))
    s = 0.2
    for state in states:
        assert state.data == pytest.approx(s)
        s = 3 * s * (1 - s)


def test_a_markov_chain_keeps_probabilities() -> None:
    """Every state of the chain sums to one."""
    system = SYSTEMS["Markov chain"]
    start = system.start(np.random.default_rng(1))
    states = forecast(system, system.theta, np.zeros((LONGER, len(start), 1)), start)
    assert states.sum(axis=-1) == pytest.approx(1)


@pytest.mark.parametrize("name", SYSTEMS)
def test_theta_is_found_and_forecasts(name) -> None:
    """θ is within 0.15 of the truth, and the forecast's error is at most a third of the first guess's."""
    system = SYSTEMS[name]
    x, observed = record(system, np.random.default_rng(1))
    theta = fit(system, x, observed, iterations=200)
    assert theta == pytest.approx(system.theta, abs=0.15)
    fitted, guessed = (
        np.abs(forecast(system, guess, x, observed[0]) - observed)[SEEN:].mean()
        for guess in (theta, system.guess)
    )
    assert fitted < guessed / 3
