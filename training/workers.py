"""The workers of one training: one process, or several machines that `TF_CONFIG` names.

All of them run the same command on the same text. Each learns from its rows of every batch, and the
gradients' mean moves the weights of all alike; the first one, the chief, measures, keeps and publishes.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from training.errors import ConfigError, TrainingError

Arrays = dict[str, NDArray[Any]]


class Workers:
    """This worker among the others. It is to be made before TensorFlow computes anything.

    Raises:
        ConfigError: `TF_CONFIG` is none.
    """

    def __init__(self) -> None:
        self.number, self.index = place(os.environ.get("TF_CONFIG", ""))
        self.strategy = (
            tf.distribute.get_strategy()
            if self.number == 1
            else tf.distribute.MultiWorkerMirroredStrategy()
        )

    @property
    def chief(self) -> bool:
        """Whether this one measures, keeps and publishes."""
        return self.index == 0

    def check(self, batch_size: int) -> None:
        """Make sure that every worker has as many rows as the others; raises `ConfigError`."""
        if batch_size % self.number:
            raise ConfigError(
                f"batch_size: {batch_size} rows cannot be shared evenly by {self.number} workers"
            )

    def rows(self, batch: NDArray[Any]) -> NDArray[Any]:
        """Return this worker's rows of a batch."""
        return np.split(batch, self.number)[self.index]

    def mean(self, values: Any) -> Any:
        """Return the mean over the workers, inside a step."""
        if self.number == 1:
            return values
        context = tf.distribute.get_replica_context()
        return context.all_reduce(tf.distribute.ReduceOp.MEAN, values)

    @contextmanager
    def together(self) -> Iterator[None]:
        """Compute with the others.

        Raises:
            TrainingError: one of them is gone, so that nothing can be computed any more.
        """
        try:
            yield
        except tf.errors.OpError as error:
            if self.number == 1:
                raise
            raise TrainingError(
                "another worker is gone: start all of them again with the same command"
            ) from error

    def of_chief(self, arrays: Arrays) -> Arrays:
        """Return the chief's arrays on every worker; all call this together."""
        if self.number == 1:
            return arrays
        mine = {name: self._summand(array) for name, array in arrays.items() if array.size}

        def summed() -> dict[str, tf.Tensor]:
            context = tf.distribute.get_replica_context()
            sum_ = tf.distribute.ReduceOp.SUM
            return {name: context.all_reduce(sum_, part) for name, part in mine.items()}

        with self.together():
            shared = tf.function(lambda: self.strategy.run(summed))()
        return arrays | {
            name: part.numpy().astype(arrays[name].dtype) for name, part in shared.items()
        }

    def _summand(self, array: NDArray[Any]) -> tf.Tensor:
        """Return the chief's array, and zeros elsewhere, in a type that can be added up."""
        kind = np.int64 if np.issubdtype(array.dtype, np.integer) else np.float32
        return tf.constant(array.astype(kind) if self.chief else np.zeros(array.shape, kind))


def place(description: str) -> tuple[int, int]:
    """Return how many workers there are, and which this one is."""
    if not description:
        return 1, 0
    try:
        values = json.loads(description)
        number, task = len(values["cluster"]["worker"]), values["task"]
        if set(values["cluster"]) != {"worker"} or task["type"] != "worker":
            raise ConfigError("TF_CONFIG: all processes are to be of the type worker")
        index = int(task["index"])
    except (KeyError, TypeError, ValueError) as error:
        raise ConfigError(f"TF_CONFIG is no description of a cluster: {error!r}") from None
    if not 0 <= index < number:
        raise ConfigError(f"TF_CONFIG: worker {index} is none of the {number}")
    return number, index
