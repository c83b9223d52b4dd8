"""The training that all systems share: cells, seeds, the loss and the update."""

from collections.abc import Callable, Iterator
from typing import Any

import keras
import tensorflow as tf

CELLS = ("rnn", "gru", "lstm")
Batch = tuple[Any, Any]


def layer(cell: str, units: int, **options: Any) -> keras.layers.Layer:
    """Return Keras's recurrent layer of this name, which returns h_t of every time step."""
    layers = {"rnn": keras.layers.SimpleRNN, "gru": keras.layers.GRU, "lstm": keras.layers.LSTM}
    return layers[cell](units, return_sequences=True, **options)


def set_seeds(seed: int) -> None:
    """Seed all random numbers, so that every run has the same initial weights."""
    keras.utils.set_random_seed(seed)


def mean_nats(logits: tf.Tensor, targets: tf.Tensor) -> tf.Tensor:
    """Return the mean of −log softmax(logits)[target], in nats."""
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(targets, logits)
    return tf.reduce_mean(losses)


def minimise(
    loss: Callable[..., tf.Tensor],
    weights: list[Any],
    batches: Iterator[Batch],
    iterations: int,
    learning_rate: float = 0.01,
) -> list[float]:
    """Update the weights with Adam, `iterations` times; return the loss of every batch.

    The learning rate falls to zero along a cosine; the gradient's norm is clipped at 1.
    """
    rate = keras.optimizers.schedules.CosineDecay(learning_rate, iterations)
    adam = keras.optimizers.Adam(rate, global_clipnorm=1.0)
    adam.build(weights)

    # Plain Python makes the graph: a search for loops to convert takes a quarter of the time of the making.
    @tf.function(autograph=False)
    def update(x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            value = loss(x, y)
        adam.apply_gradients(zip(tape.gradient(value, weights), weights, strict=True))
        return value

    return [float(update(*map(tf.constant, next(batches)))) for _ in range(iterations)]
