"""Which texts the requests are for."""

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]


def zipf(count: int, texts: int, exponent: float, seed: int) -> Numbers:
    """Return the texts of that many requests; the k-th of the texts is as likely as k to the −exponent."""
    weights = np.arange(1, texts + 1, dtype=np.float64) ** -exponent
    return np.random.default_rng(seed).choice(texts, count, p=weights / weights.sum())


def with_hit_rate(count: int, known: int, rate: float, seed: int) -> Numbers:
    """Return the texts of that many requests: a part of `rate` for known texts, all others for new ones.

    The known texts are 0 to known − 1, each as likely as the others.
    """
    rng = np.random.default_rng(seed)
    return np.where(
        rng.random(count) < rate, rng.integers(known, size=count), known + np.arange(count)
    )
