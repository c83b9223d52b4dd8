"""The same weights in Keras layers."""

from typing import Any

import tensorflow as tf

from benchmarks.weights import UNITS, ifco, random_weights


def lstm_layers(**options: Any) -> list[Any]:
    """Return three Keras LSTM layers that hold the weights."""
    layers = []
    for layer in random_weights().layers:
        keras_layer = tf.keras.layers.LSTM(UNITS, return_sequences=True, **options)
        keras_layer.build((None, None, layer.kernel.shape[0]))
        keras_layer.set_weights([ifco(layer.kernel), ifco(layer.recurrent), ifco(layer.bias)])
        layers.append(keras_layer)
    return layers


def output_layer() -> Any:
    """Return the layer from hidden states to logits."""
    weights = random_weights()
    dense = tf.keras.layers.Dense(len(weights.output_bias))
    dense.build((None, UNITS))
    dense.set_weights([weights.output, weights.output_bias])
    return dense


def embedding_layer() -> Any:
    """Return the layer from ids to one-hot rows."""
    table = random_weights().embedding
    embedding = tf.keras.layers.Embedding(*table.shape)
    embedding.build((None, None))
    embedding.set_weights([table])
    return embedding
