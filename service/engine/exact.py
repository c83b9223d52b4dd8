"""Exponential and logarithm with the same bits on every processor.

IEEE 754 defines every bit of +, −, ×, ÷, comparisons and rounding to integers, and NumPy runs each
as a separate operation, never fused with the next. `np.exp` and `np.log` are approximations that
differ between processors and between versions of NumPy.
"""

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

LN2 = 0.6931471805599453

# 2^(−k / STEPS) for k = 0 … LAST, by repeated multiplication. The last power, 2^−126, is set to 0,
# because float32 loses precision below 2^−126.
STEPS = 32
LAST = 126 * STEPS
_ROOT = 0.9785720620877001  # 2^(−1 / STEPS)
POWERS = np.cumprod([1.0, *[_ROOT] * LAST]).astype(np.float32)
POWERS[LAST:] = 0
# 2^(−r / STEPS) for |r| ≤ 1/2 by its Taylor series up to r²: the next term is below 2.2e-7.
SLOPE = np.float32(-LN2 / STEPS)
CURVATURE = np.float32(LN2 / STEPS * LN2 / STEPS / 2)
_ONE, _END = np.float32(1), np.float32(LAST)

# Coefficients of artanh(s) = s + s³/3 + s⁵/5 + …, highest first; for |s| < 0.172 the rest is < 1e-17.
_ARTANH = [1 / n for n in range(21, 0, -2)]


def steps_per_unit(temperature: Doubles) -> Floats:
    """Return the steps of the table for each unit of a logit, [B], at temperatures [B] > 0."""
    return (STEPS / LN2 / temperature).astype(np.float32)


def weights(logits: Floats, steepness: Floats) -> Floats:
    """Return e^((logits − row maximum) / temperature) for logits [B, V] and the steepness [B].

    The likeliest symbol of a row has the weight 1. The relative error is below 3e-7, plus the
    rounding of the exponent in float32.
    """
    # e^−x = 2^(−(k + r) / STEPS) where x = (k + r) ln 2 / STEPS, k is whole and |r| ≤ 1/2.
    steps = logits.max(axis=1, keepdims=True) - logits
    steps *= steepness[:, None]
    np.minimum(steps, _END, out=steps)
    whole = np.rint(steps)
    steps -= whole
    power: Floats = steps * CURVATURE
    power += SLOPE
    power *= steps
    power += _ONE
    power *= POWERS[whole.astype(np.intp)]
    return power


def log(x: Doubles) -> Doubles:
    """Return the natural logarithm of normal numbers x > 0, of any shape, within 1e-15 of 1 or |log x|."""
    # x = fraction · 2^exponent with √½ ≤ fraction < √2, and log fraction = 2 artanh(s).
    fraction, exponent = np.frexp(x)
    low = fraction < math.sqrt(0.5)
    fraction, exponent = np.where(low, 2 * fraction, fraction), exponent - low
    s = (fraction - 1) / (fraction + 1)
    square = s * s
    series = np.full_like(s, _ARTANH[0])
    for coefficient in _ARTANH[1:]:
        series = series * square + coefficient
    logarithm: Doubles = exponent * LN2 + 2 * s * series
    return logarithm
