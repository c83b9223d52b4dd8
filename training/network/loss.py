"""The training loss, in TensorFlow."""

import tensorflow as tf

from training.network.unknown import LARGEST_LOSS


def cross_entropy(targets: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """Return the losses [B, S] in nats of logits [B, S, V] for ids [B, S] or distributions [B, S, V]."""
    if targets.shape.rank == logits.shape.rank:
        return tf.nn.softmax_cross_entropy_with_logits(tf.cast(targets, logits.dtype), logits)
    return tf.nn.sparse_softmax_cross_entropy_with_logits(targets, logits)


def mean_loss(losses: tf.Tensor) -> tf.Tensor:
    """Return the mean of losses in nats, of any shape, over known symbols; a NaN makes the mean NaN.

    The mean of unknown symbols alone is 0.
    """
    # `not >` instead of `<=`, so that NaN counts.
    counted = tf.math.logical_not(losses > LARGEST_LOSS)
    number = tf.reduce_sum(tf.cast(counted, losses.dtype))
    return tf.math.divide_no_nan(tf.reduce_sum(tf.where(counted, losses, 0)), number)
