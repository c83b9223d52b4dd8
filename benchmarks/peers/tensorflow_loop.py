"""The whole loop in one TensorFlow graph: Python is called once for all characters."""

from typing import Any

import tensorflow as tf

from benchmarks.weights import LAYERS, UNITS, random_weights


class TensorFlowLoop:
    """A `tf.while_loop` over characters around hand-written cells with one product each."""

    def __init__(self) -> None:
        weights = random_weights()
        first, *above = weights.layers
        self._table = tf.constant(weights.embedding @ first.kernel + first.bias)
        self._first = tf.constant(first.recurrent)
        self._above = [
            (tf.concat([layer.kernel, layer.recurrent], axis=0), tf.constant(layer.bias))
            for layer in above
        ]
        self._output = tf.constant(weights.output), tf.constant(weights.output_bias)
        self._loop = tf.function(self._run)

    def generate(self, sequences: int, characters: int) -> None:
        """Generate that many characters of each sequence."""
        self._loop(tf.constant(sequences), tf.constant(characters)).numpy()

    def _run(self, sequences: Any, characters: Any) -> Any:
        ids = tf.zeros([sequences], tf.int64)
        texts = tf.TensorArray(tf.int64, size=characters, element_shape=[None])
        states = tf.zeros([2 * LAYERS, sequences, UNITS])

        def more(position: Any, *_: Any) -> Any:
            return position < characters

        def advance(position: Any, ids: Any, texts: Any, *states: Any) -> Any:
            logits, states_next = self._step(ids, states)
            ids = tf.random.categorical(logits, num_samples=1)[:, 0]
            return position + 1, ids, texts.write(position, ids), *states_next

        _, _, texts, *_ = tf.while_loop(more, advance, (0, ids, texts, *tf.unstack(states)))
        return texts.stack()

    def _step(self, ids: Any, states: tuple[Any, ...]) -> tuple[Any, list[Any]]:
        gates = tf.gather(self._table, ids) + states[0] @ self._first
        hidden, cell = _cell(gates, states[1])
        states_next = [hidden, cell]
        for number, (weight, bias) in enumerate(self._above, start=1):
            gates = tf.concat([hidden, states[2 * number]], axis=1) @ weight + bias
            hidden, cell = _cell(gates, states[2 * number + 1])
            states_next += [hidden, cell]
        output, bias = self._output
        return hidden @ output + bias, states_next


def _cell(gates: Any, cell: Any) -> tuple[Any, Any]:
    i, f, o, g = tf.split(gates, 4, axis=1)
    cell = tf.sigmoid(f) * cell + tf.sigmoid(i) * tf.tanh(g)
    return tf.sigmoid(o) * tf.tanh(cell), cell
