"""A recurrence over time, and its back-propagation.

A cell has two parts: the product of the recurrent matrix with the hidden state, and a pointwise
function from this product to the next state. Back-propagation differentiates the pointwise function
with a tape, and computes the gradient of the matrix in one product after the loop. Automatic
differentiation of the whole loop would add one product per step. One product learns a third more
characters per second on two cores.

Rows of a batch are columns here. A product [G·u, u] · [u, B] packs the narrow state, where a product
[B, u] · [u, G·u] packs the wide matrix anew in each step and takes up to twice the time.

Products are computed in the type of the matrix; states, gates and gradients are float32.
"""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

State = list[tf.Tensor]
Pointwise = Callable[[tf.Tensor, tf.Tensor, State], State]


def recur(
    pointwise: Pointwise, inputs: tf.Tensor, matrix: tf.Tensor, state: State
) -> tuple[tf.Tensor, State]:
    """Return the hidden states [T, u, B] and the last state.

    Arguments:
        pointwise: from an input [G·u, B], a product [G·u, B] and the state to the next state, in float32.
        inputs: projected inputs [T, G·u, B] of G gates.
        matrix: the recurrent matrix [u, G·u].
        state: the parts of the state before the first step, each [u, B], the hidden one first.
    """

    @tf.custom_gradient
    def run(inputs: tf.Tensor, matrix: tf.Tensor, *state: tf.Tensor) -> Any:
        products, states = _forward(pointwise, inputs, tf.transpose(matrix), list(state))

        def gradient(d_hidden: tf.Tensor, *d_last: tf.Tensor) -> Any:
            before = [part[:-1] for part in states]  # the state before each step, [T, u, B]
            d_inputs, d_products, d_state = _backward(
                pointwise, (inputs, products, before), matrix, d_hidden, list(d_last)
            )
            d_matrix = _sum_of_products(before[0], d_products, matrix.dtype)
            return d_inputs, d_matrix, *d_state

        # `states` has T + 1 steps: index 0 is before the first step, index -1 after the last.
        return (states[0][1:], *(part[-1] for part in states)), gradient

    hidden, *last = run(inputs, matrix, *state)
    return hidden, last


def product(left: tf.Tensor, right: tf.Tensor) -> tf.Tensor:
    """Multiply left [n, m] by right [m, k] in the type of left; return float32 [n, k]."""
    return tf.cast(tf.matmul(left, tf.cast(right, left.dtype)), tf.float32)


def _forward(
    pointwise: Pointwise, inputs: tf.Tensor, transposed: tf.Tensor, state: State
) -> tuple[tf.Tensor, State]:
    """Return the products [T, G·u, B] and, for each part of the state, its values [T + 1, u, B].

    `transposed` is the transposed recurrent matrix [G·u, u].
    """
    steps = tf.shape(inputs)[0]
    products = tf.TensorArray(tf.float32, steps)
    states = [tf.TensorArray(tf.float32, steps + 1).write(0, part) for part in state]

    def step(t: tf.Tensor, state: State, products: Any, states: list[Any]) -> Any:
        recurrent = product(transposed, state[0])
        state = pointwise(inputs[t], recurrent, state)
        states = [array.write(t + 1, part) for array, part in zip(states, state, strict=True)]
        return t + 1, state, products.write(t, recurrent), states

    *_, products, states = tf.while_loop(
        lambda t, *_: t < steps, step, (0, state, products, states)
    )
    return products.stack(), [part.stack() for part in states]


def _backward(
    pointwise: Pointwise,
    trail: tuple[tf.Tensor, tf.Tensor, State],
    matrix: tf.Tensor,
    d_hidden: tf.Tensor,
    d_state: State,
) -> tuple[tf.Tensor, tf.Tensor, State]:
    """Return the gradients of inputs and products [T, G·u, B] and of the first state."""
    inputs, products, before = trail
    steps = tf.shape(inputs)[0]
    by_inputs, by_products = (tf.TensorArray(tf.float32, steps) for _ in range(2))

    def step(t: tf.Tensor, d_state: State, by_inputs: Any, by_products: Any) -> Any:
        sources = inputs[t], products[t], [part[t] for part in before]
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(sources)
            after = pointwise(*sources)
        # The hidden state is both an output of the layer and an input of the next step.
        d_after = [d_state[0] + d_hidden[t], *d_state[1:]]
        d_input, d_product, (d_h, *d_rest) = tape.gradient(after, sources, d_after)
        # [u, G·u] times [G·u, B]; d_h is None if `pointwise` reads h through the product alone.
        d_h = product(matrix, d_product) + (0.0 if d_h is None else d_h)
        return t - 1, [d_h, *d_rest], by_inputs.write(t, d_input), by_products.write(t, d_product)

    # From the last step to the first, because gradients flow backwards in time.
    _, d_state, by_inputs, by_products = tf.while_loop(
        lambda t, *_: t >= 0, step, (steps - 1, d_state, by_inputs, by_products)
    )
    return by_inputs.stack(), by_products.stack(), d_state


def _sum_of_products(hidden: tf.Tensor, gradients: tf.Tensor, dtype: tf.DType) -> tf.Tensor:
    """Return the sum [u, G·u] over steps and rows of hidden [T, u, B] times gradients [T, G·u, B]."""
    # [T, n, B] → [T·B, n], so that one product sums over steps and rows.
    left, right = (
        tf.reshape(tf.transpose(tf.cast(part, dtype), [0, 2, 1]), [-1, part.shape[1]])
        for part in (hidden, gradients)
    )
    return tf.matmul(left, right, transpose_a=True)
