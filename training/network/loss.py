"""The mean of losses, without those of unknown symbols: no model is asked to write one."""

from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

NEVER = -1e9  # added to a logit: its probability is 0 at any temperature
HOPELESS = 1e8  # nats; only a symbol that is never written costs as much


def mean_loss(losses: tf.Tensor) -> tf.Tensor:
    """Return the mean of nats per character, of any shape; NaN counts."""
    counted = tf.math.logical_not(losses > HOPELESS)
    number = tf.reduce_sum(tf.cast(counted, losses.dtype))
    return tf.math.divide_no_nan(tf.reduce_sum(tf.where(counted, losses, 0)), number)


def mean_nats(losses: NDArray[np.floating[Any]]) -> float:
    """Return the same of losses that are not in a graph."""
    return float(np.mean(losses[~(losses > HOPELESS)]))
