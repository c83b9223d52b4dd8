"""The TensorFlow tutorial's `OneStep`: one `tf.function` call per character.

Source: https://www.tensorflow.org/text/tutorials/text_generation, with LSTM layers in place of the one
GRU, and without the translation between ids and strings in each step.
"""

from typing import Any

import tensorflow as tf

from benchmarks.peers.keras_model import embedding_layer, lstm_layers, output_layer
from benchmarks.weights import LAYERS, UNITS


class OneStep:
    """Ids and states in, drawn ids and states out."""

    def __init__(self) -> None:
        self._embedding, self._dense = embedding_layer(), output_layer()
        self._layers = lstm_layers(return_state=True)
        self._one_step = tf.function(self._step)

    def _step(self, ids: Any, states: list[Any]) -> Any:
        rows, states_next = self._embedding(ids), []
        for layer, state in zip(self._layers, states, strict=True):
            rows, *state_next = layer(rows, initial_state=state)
            states_next.append(state_next)
        logits = self._dense(rows[:, -1])
        return tf.random.categorical(logits, num_samples=1), states_next

    def generate(self, sequences: int, characters: int) -> None:
        """Generate that many characters of each sequence."""
        self.write(tf.zeros([sequences, 1], tf.int64), characters)

    def write(self, ids: Any, characters: int) -> Any:
        """Return the drawn ids [B, characters] after the ids [B, T]."""
        states = [[tf.zeros([len(ids), UNITS])] * 2 for _ in range(LAYERS)]
        drawn = []
        for _ in range(characters):
            ids, states = self._one_step(ids, states)
            drawn.append(ids)
        return tf.concat(drawn, axis=1).numpy()
