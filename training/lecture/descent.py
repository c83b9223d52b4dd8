"""Gradient descent on the tape: Adam in NumPy (Kingma and Ba, 2015)."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

import numpy as np

from training.lecture.tape import Array, Value, backward

Batch = TypeVar("Batch")


@dataclass
class Moments:
    """Running means of the gradient of one array of weights, and of its square."""

    first: Array
    second: Array

    def direction(self, gradient: Array, updates: int) -> Array:
        """Take in a gradient; return the direction of the update with this number."""
        self.first += 0.1 * (gradient - self.first)
        self.second += 0.001 * (gradient**2 - self.second)
        # The means begin at zero: the first updates divide by the share of weight given so far.
        mean = self.first / (1 - 0.9**updates)
        square = self.second / (1 - 0.999**updates)
        return np.asarray(mean / (np.sqrt(square) + 1e-8))


def descend(
    loss: Callable[[Batch], Value],
    weights: Sequence[Value],
    batches: Iterator[Batch],
    iterations: int,
    learning_rate: float,
) -> list[float]:
    """Update the weights with Adam, once for each batch; return the sum of the loss of each.

    The learning rate falls to zero along a cosine. The sizes of the gradients hardly matter to Adam, so
    losses of independent networks may be summed.
    """
    moments = [Moments(np.zeros(weight.shape), np.zeros(weight.shape)) for weight in weights]
    losses = []
    for step, batch in enumerate(islice(batches, iterations)):
        total = loss(batch)
        backward(total)
        losses.append(float(total.data.sum()))
        rate = learning_rate * 0.5 * (1 + np.cos(np.pi * step / iterations))
        for weight, moment in zip(weights, moments, strict=True):
            weight.data = weight.data - rate * moment.direction(weight.gradient, step + 1)
    return losses
