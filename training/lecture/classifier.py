"""Many-to-one: networks on the tape that read a sequence and name one class."""

from abc import ABC, abstractmethod
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from training.lecture import zoo
from training.lecture.descent import descend
from training.lecture.tape import Array, Value, cross_entropy, mean

Ids = NDArray[np.int64]


class Classifier(ABC):
    """A network that reads a sequence and names one class."""

    units: int

    def __init__(self, steps: int, inputs: int, classes: int, seed: int) -> None:
        self.w = zoo.Weights(1, self.units, seed)
        self.output = zoo.Weights(1, classes, seed + 1)
        self(np.zeros((1, steps, inputs)))  # makes the weights

    def __call__(self, x: Array) -> Value:
        """Return the logits [1, rows, classes] for inputs x [rows, steps, inputs]."""
        return self.output("y", self.read(x))

    @abstractmethod
    def read(self, x: Array) -> Value:
        """Return what the network makes of the whole sequence, [1, rows, units]."""

    @property
    def weights(self) -> list[Value]:
        """All weights."""
        return [*self.w.values, *self.output.values]

    @property
    def size(self) -> int:
        """The number of weights."""
        return sum(weight.data.size for weight in self.weights)

    def learn(
        self, batches: Iterator[tuple[Array, Ids]], iterations: int, learning_rate: float
    ) -> None:
        """Learn from batches of inputs and classes [rows]; the loss is at the end of the sequence alone."""

        def loss(batch: tuple[Array, Ids]) -> Value:
            x, y = batch
            return mean(cross_entropy(self(x), y))

        descend(loss, self.weights, batches, iterations, learning_rate)

    def right(self, x: Array, y: Ids) -> NDArray[np.bool_]:
        """Return whether the likeliest class is the right one, [rows]."""
        return np.asarray(self(x).data[0].argmax(axis=-1) == y)
