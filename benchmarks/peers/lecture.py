"""The lecture's way: for every character, a window of 25 one-hot characters through a frozen graph."""

import numpy as np
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from benchmarks.peers.keras_model import lstm_layers, output_layer
from benchmarks.weights import SYMBOLS

WINDOW = 25


class Lecture:
    """A frozen graph in a session, sampled in NumPy, as in the lecture's notebook.

    The layers are unrolled over the window, as in TFLearn; a loop in the graph is slower.
    """

    def __init__(self) -> None:
        layers, dense = lstm_layers(unroll=True), output_layer()

        def network(window: tf.Tensor) -> tf.Tensor:
            for layer in layers:
                window = layer(window)
            return tf.nn.softmax(dense(window[:, -1]))

        shape = tf.TensorSpec([None, WINDOW, len(SYMBOLS)], tf.float32)
        frozen = convert_variables_to_constants_v2(
            tf.function(network).get_concrete_function(shape)
        )
        self._input, self._output = frozen.inputs[0].name, frozen.outputs[0].name
        graph = tf.Graph()
        with graph.as_default():
            tf.graph_util.import_graph_def(frozen.graph.as_graph_def(), name="")
        self._session = tf.compat.v1.Session(graph=graph)

    def generate(self, sequences: int, characters: int) -> None:
        """Generate that many characters of each sequence."""
        one_hot, rng = np.eye(len(SYMBOLS), dtype=np.float32), np.random.default_rng(0)
        text = np.zeros((sequences, WINDOW), np.int64)
        for _ in range(characters):
            likely = self._session.run(self._output, {self._input: one_hot[text]})
            drawn = (likely.cumsum(axis=1) < rng.random((sequences, 1))).sum(axis=1)
            text = np.concatenate([text[:, 1:], drawn[:, None].clip(max=len(SYMBOLS) - 1)], axis=1)
