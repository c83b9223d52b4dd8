"""A recurrence over time, and back-propagation through it.

A cell has two parts: the product of its hidden state with the recurrent matrix, and a pointwise
function that makes the next state of it. Back-propagation runs the pointwise part through a tape and
gathers the matrix' gradient in one product at the end, where automatic differentiation of the whole
loop would add up one product per step: a third more characters per second on two cores.

Products take the matrix' type; states, gates and gradients are float32.
"""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

State = list[tf.Tensor]
Pointwise = Callable[[tf.Tensor, tf.Tensor, State], State]


def recur(
    pointwise: Pointwise, inputs: tf.Tensor, matrix: tf.Tensor, state: State
) -> tuple[tf.Tensor, State]:
    """Return the hidden states [T, B, u] and the last state.

    Arguments:
        pointwise: the next state from an input and a product [B, G·u] and the state, in float32.
        inputs: projected inputs [T, B, G·u] of G gates.
        matrix: the recurrent matrix [u, G·u].
        state: the parts of the state before the first step, each [B, u], the hidden one first.
    """

    @tf.custom_gradient
    def run(inputs: tf.Tensor, matrix: tf.Tensor, *state: tf.Tensor) -> Any:
        products, states = _forward(pointwise, inputs, matrix, list(state))

        def gradient(d_hidden: tf.Tensor, *d_last: tf.Tensor) -> Any:
            before = [part[:-1] for part in states]
            d_inputs, d_products, d_state = _backward(
                pointwise, (inputs, products, before), matrix, d_hidden, list(d_last)
            )
            d_matrix = _sum_of_products(before[0], d_products, matrix.dtype)
            return d_inputs, d_matrix, *d_state

        return (states[0][1:], *(part[-1] for part in states)), gradient

    hidden, *last = run(inputs, matrix, *state)
    return hidden, last


def product(left: tf.Tensor, right: tf.Tensor) -> tf.Tensor:
    """Multiply left [..., n] and right [n, m] in right's type; give float32."""
    return tf.cast(tf.tensordot(tf.cast(left, right.dtype), right, axes=1), tf.float32)


def _forward(
    pointwise: Pointwise, inputs: tf.Tensor, matrix: tf.Tensor, state: State
) -> tuple[tf.Tensor, State]:
    """Return the products [T, B, G·u] and per part of the state all its values [T + 1, B, u]."""
    steps = tf.shape(inputs)[0]
    products = tf.TensorArray(tf.float32, steps)
    states = [tf.TensorArray(tf.float32, steps + 1).write(0, part) for part in state]

    def step(t: tf.Tensor, state: State, products: Any, states: list[Any]) -> Any:
        made = product(state[0], matrix)
        state = pointwise(inputs[t], made, state)
        states = [all_.write(t + 1, part) for all_, part in zip(states, state, strict=True)]
        return t + 1, state, products.write(t, made), states

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
    """Return the gradients by inputs and products [T, B, G·u] and by the state before the first."""
    inputs, products, before = trail
    steps = tf.shape(inputs)[0]
    by_inputs, by_products = (tf.TensorArray(tf.float32, steps) for _ in range(2))

    def step(t: tf.Tensor, d_state: State, by_inputs: Any, by_products: Any) -> Any:
        sources = inputs[t], products[t], [part[t] for part in before]
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(sources)
            after = pointwise(*sources)
        d_after = [d_state[0] + d_hidden[t], *d_state[1:]]
        d_input, d_product, (d_h, *d_rest) = tape.gradient(after, sources, d_after)
        back = tf.matmul(tf.cast(d_product, matrix.dtype), matrix, transpose_b=True)
        d_h = tf.cast(back, tf.float32) + (0.0 if d_h is None else d_h)
        return t - 1, [d_h, *d_rest], by_inputs.write(t, d_input), by_products.write(t, d_product)

    _, d_state, by_inputs, by_products = tf.while_loop(
        lambda t, *_: t >= 0, step, (steps - 1, d_state, by_inputs, by_products)
    )
    return by_inputs.stack(), by_products.stack(), d_state


def _sum_of_products(hidden: tf.Tensor, gradients: tf.Tensor, dtype: tf.DType) -> tf.Tensor:
    """Return the sum over steps and rows of hidden [T, B, u] times gradients [T, B, G·u]."""
    left, right = (
        tf.cast(tf.reshape(part, [-1, part.shape[-1]]), dtype) for part in (hidden, gradients)
    )
    return tf.matmul(left, right, transpose_a=True)
