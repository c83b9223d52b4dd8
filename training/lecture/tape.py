"""The computational graph for arrays: every operation notes its inputs, and `backward` hands gradients back.

The graph is that of `computational_graph`, with NumPy arrays for numbers. A network of a few units runs
faster here than in TensorFlow, whose cost per operation is higher.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from types import EllipsisType

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Handing = Callable[[Array], Array]  # gradient of the output → gradient of one input
Index = tuple[slice | int | EllipsisType | None, ...]

_created = count()


class Value:
    """An array, the values that it was computed from, and how its gradient is handed to each of them."""

    __array_ufunc__ = None  # array ∘ Value is the Value's operation

    def __init__(self, data: object, inputs: tuple[tuple[Value, Handing], ...] = ()) -> None:
        self.data: Array = np.asarray(data, np.float64)
        self.inputs = inputs
        self.number = next(_created)
        self.gradient: Array = np.zeros(())

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the array."""
        return self.data.shape

    def __add__(self, other: Operand) -> Value:
        other = value(other)
        return Value(self.data + other.data, ((self, _same), (other, _same)))

    def __mul__(self, other: Operand) -> Value:
        a, b = self, value(other)
        return Value(a.data * b.data, ((a, lambda g: g * b.data), (b, lambda g: g * a.data)))

    def __matmul__(self, other: Operand) -> Value:
        a, b = self, value(other)
        return Value(
            a.data @ b.data,
            ((a, lambda g: g @ _turned(b.data)), (b, lambda g: _turned(a.data) @ g)),
        )

    def __sub__(self, other: Operand) -> Value:
        return self + value(other) * -1.0

    def __rsub__(self, other: Operand) -> Value:
        return value(other) + self * -1.0

    __radd__ = __add__
    __rmul__ = __mul__


Operand = Value | Array | float


def value(operand: Operand) -> Value:
    """Return the operand as a value."""
    return operand if isinstance(operand, Value) else Value(operand)


def tanh(x: Value) -> Value:
    """Return tanh x, whose local derivative is 1 − tanh² x."""
    y = np.tanh(x.data)
    return Value(y, ((x, lambda g: g * (1 - y * y)),))


def sigmoid(x: Value) -> Value:
    """Return y = 1 / (1 + exp(−x)) = (1 + tanh(x / 2)) / 2, whose local derivative is y(1 − y)."""
    y = 0.5 * (1 + np.tanh(0.5 * x.data))
    return Value(y, ((x, lambda g: g * y * (1 - y)),))


def exp(x: Value) -> Value:
    """Return y = exp x, whose local derivative is y."""
    y = np.exp(x.data)
    return Value(y, ((x, lambda g: g * y),))


def power(x: Value, exponent: Operand) -> Value:
    """Return y = x^p for x > 0; the local derivatives are p·x^(p − 1) by x and y·log x by p."""
    p = value(exponent)
    y = x.data**p.data
    return Value(y, ((x, lambda g: g * p.data * y / x.data), (p, lambda g: g * y * np.log(x.data))))


def total(x: Value, axis: int) -> Value:
    """Return the sum along an axis, which keeps the length 1; each summand receives the sum's gradient."""
    summed = x.data.sum(axis=axis, keepdims=True)
    return Value(summed, ((x, lambda g: np.broadcast_to(g, x.shape)),))


def roll(x: Value, places: int, axis: int) -> Value:
    """Return the numbers moved on along an axis; what leaves the end enters at the beginning."""
    return Value(np.roll(x.data, places, axis), ((x, lambda g: np.roll(g, -places, axis)),))


def part(x: Value, index: Index) -> Value:
    """Return x[index], for slices and whole numbers; the rest of x receives no gradient."""

    def handing(g: Array) -> Array:
        gradient = np.zeros(x.shape)
        gradient[index] = g
        return gradient

    return Value(x.data[index], ((x, handing),))


def join(parts: list[Value]) -> Value:
    """Return the parts side by side, along the last axis."""
    ends = np.cumsum([part.shape[-1] for part in parts])

    def handing(start: int, end: int) -> Handing:
        return lambda g: g[..., start:end]

    places = zip(parts, [0, *ends[:-1]], ends, strict=True)
    inputs = tuple((part, handing(start, end)) for part, start, end in places)
    return Value(np.concatenate([part.data for part in parts], axis=-1), inputs)


def highest(x: Value, axis: int) -> Value:
    """Return the maximum along an axis; its gradient goes to the place of the maximum."""
    at = np.expand_dims(x.data.argmax(axis=axis), axis)

    def handing(g: Array) -> Array:
        gradient = np.zeros_like(x.data)
        np.put_along_axis(gradient, at, np.expand_dims(g, axis), axis)
        return gradient

    return Value(np.take_along_axis(x.data, at, axis).squeeze(axis), ((x, handing),))


def cross_entropy(logits: Value, targets: NDArray[np.int64]) -> Value:
    """Return −log softmax(logits)[target] of each row: logits [..., classes], targets [...]."""
    scores = np.exp(logits.data - logits.data.max(axis=-1, keepdims=True))
    predicted = scores / scores.sum(axis=-1, keepdims=True)
    wanted = np.eye(logits.shape[-1])[np.broadcast_to(targets, logits.shape[:-1])]
    losses = -np.log((predicted * wanted).sum(axis=-1))
    return Value(losses, ((logits, lambda g: g[..., None] * (predicted - wanted)),))


def mean(x: Value) -> Value:
    """Return the mean of all numbers."""
    return Value(x.data.mean(), ((x, lambda g: np.broadcast_to(g / x.data.size, x.shape)),))


def backward(loss: Value) -> None:
    """Fill in ∂(sum of loss)/∂value for every value that the loss depends on."""
    order = sorted(_below(loss), key=lambda node: node.number)
    for node in order:
        node.gradient = np.zeros(node.shape)
    loss.gradient = np.ones(loss.shape)
    for node in reversed(order):
        for source, handing in node.inputs:
            source.gradient += _fold(handing(node.gradient), source.shape)


def _below(loss: Value) -> Iterator[Value]:
    seen, waiting = {loss.number}, [loss]
    while waiting:
        yield (node := waiting.pop())
        for source, _ in node.inputs:
            if source.number not in seen:
                seen.add(source.number)
                waiting.append(source)


def _same(gradient: Array) -> Array:
    return gradient


def _turned(x: Array) -> Array:
    return x.swapaxes(-1, -2)


def _fold(gradient: Array, shape: tuple[int, ...]) -> Array:
    """Sum the gradient over the axes along which a smaller array was repeated."""
    if gradient.shape == shape:
        return gradient
    gradient = gradient.sum(axis=tuple(range(gradient.ndim - len(shape))))
    repeated = tuple(axis for axis, size in enumerate(shape) if gradient.shape[axis] != size)
    return gradient.sum(axis=repeated, keepdims=True) if repeated else gradient
