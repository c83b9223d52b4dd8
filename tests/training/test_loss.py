"""Losses are over known symbols alone."""

import numpy as np
import pytest
import tensorflow as tf

from training.network.loss import mean_loss
from training.network.unknown import NEVER, mean_nats

LOSSES = np.array([[1.0, -NEVER], [2.0, 6.0]], np.float32)


def test_what_is_never_written_does_not_count() -> None:
    """Both means leave out the unknown symbol."""
    assert mean_loss(tf.constant(LOSSES)) == 3
    assert mean_nats(LOSSES) == 3


def test_no_number_is_not_passed_over() -> None:
    """A NaN among the losses makes the mean NaN, so that the training stops."""
    broken = np.array([1, np.nan], np.float32)
    assert np.isnan(mean_loss(tf.constant(broken)))
    assert np.isnan(mean_nats(broken))


def test_a_batch_of_unknown_symbols_alone_teaches_nothing() -> None:
    """The mean loss of unknown symbols alone is 0."""
    assert mean_loss(tf.constant([-NEVER])) == 0


def test_unknown_targets_have_no_gradient() -> None:
    """The gradient of logits is 0 before an unknown symbol, and as usual before a known one."""
    logits = tf.Variable([[1.0, 2.0, NEVER], [1.0, 2.0, NEVER]])
    with tf.GradientTape() as tape:
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(tf.constant([2, 0]), logits)
        loss = mean_loss(losses)
    unknown, known = tape.gradient(loss, logits).numpy()
    assert not unknown.any()
    assert known == pytest.approx([-0.7310586, 0.7310586, 0.0])
