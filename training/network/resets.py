"""The beginning of a text in a network: the state is zero before each end of the text before."""

from typing import Any

import keras
import tensorflow as tf

from training.network.recurrence import Pointwise, State


class GoesOn(keras.layers.Layer):  # type: ignore[misc]
    """The factor of the state before each character: 0 before the id `text_end`, and else 1."""

    def __init__(self, text_end: int, **options: Any) -> None:
        super().__init__(dtype="float32", **options)
        self.text_end = text_end

    def call(self, ids: tf.Tensor) -> tf.Tensor:
        """Return the factors [..., 1] of ids [...]."""
        return tf.cast(tf.not_equal(ids, self.text_end), tf.float32)[..., None]


def with_resets(pointwise: Pointwise) -> Pointwise:
    """Return a pointwise function whose inputs [G·u + 1, B] end with the factor of the state.

    The factor of the hidden state is also a factor of its product with the recurrent matrix.
    """

    def reset(x: tf.Tensor, product: tf.Tensor, state: State) -> State:
        x, factor = x[:-1], x[-1:]
        return pointwise(x, factor * product, [factor * part for part in state])

    return reset
