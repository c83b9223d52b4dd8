"""The unknown symbol in logits and losses: never predicted, and never counted."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

NEVER = -1e9  # the mask of the unknown symbol's logit: probability 0 at any temperature
LARGEST_LOSS = 1e8  # nats; only the unknown symbol costs more


def mean_nats(losses: NDArray[np.floating[Any]]) -> float:
    """Return the mean of losses in nats, of any shape, over known symbols; a NaN makes the mean NaN."""
    # `not >` instead of `<=`, so that NaN counts.
    return float(np.mean(losses[~(losses > LARGEST_LOSS)]))
