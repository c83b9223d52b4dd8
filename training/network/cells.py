"""LSTM, GRU and the simple RNN as Keras layers whose state is an explicit input and output."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import keras
import tensorflow as tf

from training.network.recurrence import Pointwise, State, product, recur
from training.network.resets import with_resets


class Cell(keras.layers.Layer, ABC):  # type: ignore[misc]
    """A recurrent layer of `units` units.

    Weights: kernel [inputs, G·u], recurrent [u, G·u] and bias [G·u], for G gates side by side.
    Products are computed in the layer's compute type, states and gates in float32.

    Weight-drop zeroes entries of the recurrent matrix, with one mask for a whole batch
    (Merity et al., 2017, https://arxiv.org/abs/1708.02182).
    """

    gates: ClassVar[int]
    states: ClassVar[tuple[str, ...]] = ("h",)

    def __init__(self, units: int, weight_drop: float = 0.0, **options: Any) -> None:
        super().__init__(**options)
        self.units, self.weight_drop = units, weight_drop
        self.seed_generator = keras.random.SeedGenerator()

    @abstractmethod
    def pointwise(self, x: tf.Tensor, product: tf.Tensor, state: State) -> State:
        """Return the next state from input and recurrent products [G·u, B] and the state [u, B]."""

    def first_bias(self) -> tf.Tensor:
        """Return the initial bias [G·u]."""
        return tf.zeros(self.gates * self.units)

    def build(self, x: Any, *_: Any) -> None:
        """Create the weights for inputs of shape x = [B, T, inputs]."""
        width = self.gates * self.units
        self.kernel = self.add_weight((x[-1], width), "glorot_uniform", name="kernel")
        self.recurrent = self.add_weight((self.units, width), "orthogonal", name="recurrent")
        self.bias = self.add_weight((width,), lambda *_, **__: self.first_bias(), name="bias")

    def call(
        self,
        x: tf.Tensor,
        state: State,
        goes_on: tf.Tensor | None = None,
        ids: tf.Tensor | None = None,
        training: bool = False,
    ) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """Run over x [B, T, inputs]; return the hidden states [B, T, u] and the last state.

        `goes_on` [B, T, 1] is the factor of the state before each input. With ids [B, T], x is a table
        [V, inputs], and the inputs are the rows that the ids name.
        """
        matrix = tf.cast(self.recurrent, self.compute_dtype)
        if training and self.weight_drop:
            matrix = keras.random.dropout(matrix, self.weight_drop, seed=self.seed_generator)
        if ids is None:
            inputs = self._project(tf.transpose(x, [1, 0, 2]))
        else:
            inputs = self._looked_up(x, tf.transpose(ids))
        pointwise: Pointwise = self.pointwise
        if goes_on is not None:
            pointwise = with_resets(pointwise)
            # The cast to float32 changes no factor, although Keras may have rounded the factors.
            factors = tf.cast(tf.transpose(goes_on, [1, 0, 2]), tf.float32)
            inputs = tf.concat([inputs, factors], axis=2)
        # [T, B, G·u] → [T, G·u, B], because rows of a batch are columns in `recur`.
        columns = [tf.transpose(tf.cast(part, tf.float32)) for part in state]
        hidden, last = recur(pointwise, tf.transpose(inputs, [0, 2, 1]), matrix, columns)
        return tf.transpose(hidden, [2, 0, 1]), [tf.transpose(part) for part in last]

    def step(self, x: tf.Tensor, state: State) -> State:
        """Return the state after one input x [B, inputs]."""
        inputs, *columns = (tf.transpose(part) for part in (self._project(x), *state))
        matrix = tf.cast(tf.transpose(self.recurrent), self.compute_dtype)
        after = self.pointwise(inputs, product(matrix, columns[0]), columns)
        return [tf.transpose(part) for part in after]

    def _looked_up(self, table: tf.Tensor, ids: tf.Tensor) -> tf.Tensor:
        """Return the projected rows [T, B, G·u] of a table [V, inputs] that ids [T, B] name."""
        # A batch has more ids than symbols, and a step of a sample has fewer.
        return tf.cond(
            tf.size(ids) > tf.shape(table)[0],
            lambda: _rows(self._project(table), ids),
            lambda: self._project(tf.gather(table, ids)),
        )

    def _project(self, x: tf.Tensor) -> tf.Tensor:
        """Return inputs [..., inputs] times the kernel, plus the bias: [..., G·u]."""
        kernel = tf.cast(self.kernel, self.compute_dtype)
        projected = tf.tensordot(tf.cast(x, self.compute_dtype), kernel, axes=1)
        return tf.cast(projected, tf.float32) + tf.cast(self.bias, tf.float32)


class LSTM(Cell):
    """Hochreiter and Schmidhuber (1997), with the forget gate of Gers et al. (2000).

    The gates stand in the order i, f, o, g.
    """

    gates = 4
    states = ("h", "c")

    def first_bias(self) -> tf.Tensor:
        """Return 1 for the forget gate, so that early gradients reach many steps back, and else 0."""
        return tf.concat(
            [tf.zeros(self.units), tf.ones(self.units), tf.zeros(2 * self.units)], axis=0
        )

    def pointwise(self, x: tf.Tensor, product: tf.Tensor, state: State) -> State:
        """Let c = f·c + i·g and h = o·tanh(c)."""
        i, f, o, g = tf.split(x + product, 4, axis=0)
        c = tf.sigmoid(f) * state[1] + tf.sigmoid(i) * tf.tanh(g)
        return [tf.sigmoid(o) * tf.tanh(c), c]


class GRU(Cell):
    """Cho et al. (2014), with the reset gate after the recurrent product: one product for all gates.

    The gates stand in the order r, z, n.
    """

    gates = 3

    def pointwise(self, x: tf.Tensor, product: tf.Tensor, state: State) -> State:
        """Let h = z·h + (1 − z)·n with n = tanh(x_n + r·product_n)."""
        sizes = [2 * self.units, self.units]
        (x_gates, x_n), (p_gates, p_n) = (tf.split(part, sizes, axis=0) for part in (x, product))
        r, z = tf.split(tf.sigmoid(x_gates + p_gates), 2, axis=0)
        n = tf.tanh(x_n + r * p_n)
        return [n + z * (state[0] - n)]


class SimpleRNN(Cell):
    """Elman (1990)."""

    gates = 1

    def pointwise(self, x: tf.Tensor, product: tf.Tensor, state: State) -> State:  # noqa: ARG002
        """Let h = tanh(x + product)."""
        return [tf.tanh(x + product)]


@tf.custom_gradient
def _rows(table: tf.Tensor, ids: tf.Tensor) -> Any:
    """Return the rows [..., n] of a table [V, n] that ids name; the gradient of the table is dense.

    TensorFlow's own gradient is a list of rows, which the product and the bias would each sum by symbol.
    """

    def gradient(d_rows: tf.Tensor) -> tuple[tf.Tensor, None]:
        return tf.math.unsorted_segment_sum(d_rows, ids, table.shape[0]), None

    return tf.gather(table, ids), gradient


CELLS: dict[str, type[Cell]] = {"lstm": LSTM, "gru": GRU, "rnn": SimpleRNN}
