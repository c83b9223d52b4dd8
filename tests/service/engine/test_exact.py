"""Exponential and logarithm are accurate, and have the same bits on every processor."""

import hashlib

import numpy as np
import pytest

from service.engine.exact import LAST, STEPS, log, steps_per_unit, weights


def _weights(nats: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """Weights of symbols that are `nats` below the likeliest."""
    row = -np.concatenate([[0], nats]).astype(np.float32)[None]
    return weights(row, steps_per_unit(np.array([temperature])))[0, 1:]


def test_weights_are_powers_of_e() -> None:
    """Down to e^-80 the relative error is that of float32 in the exponent, near 0 below 3e-7."""
    nats = np.linspace(0, 80, 100_001, dtype=np.float32)
    error = np.abs(_weights(nats) / np.exp(-nats.astype(np.float64)) - 1)
    assert np.all(error < 3e-7 + 1e-7 * nats)


@pytest.mark.parametrize("temperature", [1e-20, 0.1, 2.0])
def test_temperature_divides(temperature: float) -> None:
    """A weight at a temperature is the weight of the quotient."""
    nats = np.linspace(0, 10, 101, dtype=np.float32)
    quotients = (nats / np.float64(temperature)).clip(max=1e6)
    assert _weights(nats, temperature) == pytest.approx(_weights(quotients), rel=1e-5, abs=1e-35)


def test_the_likeliest_weighs_one_and_the_hopeless_nothing() -> None:
    """The likeliest symbol weighs exactly 1; from 2^-126 on, and for a masked symbol, it is 0."""
    assert weights(np.array([[3.5, 2.0]], np.float32), np.ones(1, np.float32))[0, 0] == 1
    lowest = LAST / STEPS * np.log(2)
    assert _weights(np.array([lowest - 0.1]))[0] > 0
    assert not _weights(np.array([lowest + 0.1, 1e9])).any()


def test_no_weight_is_subnormal() -> None:
    """No weight is subnormal, because only some processors flush subnormal numbers to 0."""
    some = _weights(np.linspace(0, 100, 1_000_001))
    assert np.all((some == 0) | (some >= np.finfo(np.float32).tiny))


def test_logarithms() -> None:
    """Between 1 and the size of a vocabulary and beyond, log is within 1e-15 of the true one."""
    x = np.concatenate([np.linspace(1, 2, 10_001), np.geomspace(1e-300, 1e300, 10_001)])
    assert log(x) == pytest.approx(np.log(x), rel=1e-15, abs=1e-15)
    assert log(np.ones(1))[0] == 0


def test_the_bits_are_the_same_everywhere() -> None:
    """A recorded SHA-256 over many weights and logarithms holds on every processor."""
    nats = np.arange(100_000, dtype=np.float32) / np.float32(1000)
    some = np.concatenate([_weights(nats), log(1 + nats.astype(np.float64))])
    assert hashlib.sha256(some.astype("<f8").tobytes()).hexdigest()[:16] == "e43d7a168579b71d"
