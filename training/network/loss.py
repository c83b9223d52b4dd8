"""Mean losses over known symbols: a model never writes the unknown symbol, so it does not count."""

from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

NEVER = -1e9  # the mask of the unknown symbol's logit: probability 0 at any temperature
LARGEST_LOSS = 1e8  # nats; only the unknown symbol costs more


def mean_loss(losses: tf.Tensor) -> tf.Tensor:
    """Return the mean of losses in nats, of any shape; a NaN makes the mean NaN.

    The mean of unknown symbols alone is 0.
    """
    # `not >` instead of `<=`, so that NaN counts.
    counted = tf.math.logical_not(losses > LARGEST_LOSS)
    number = tf.reduce_sum(tf.cast(counted, losses.dtype))
    return tf.math.divide_no_nan(tf.reduce_sum(tf.where(counted, losses, 0)), number)


def mean_nats(losses: NDArray[np.floating[Any]]) -> float:
    """Return the mean of losses in nats, of any shape; a NaN makes the mean NaN."""
    return float(np.mean(losses[~(losses > LARGEST_LOSS)]))
