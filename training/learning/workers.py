"""The workers of one training: one process, or several machines that `TF_CONFIG` names.

All of them run the same command on the same text. Each learns from its rows of every batch, and the
gradients' mean moves the weights of all alike; the first one, the chief, measures, keeps and publishes.
"""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from training.errors import ConfigError, TrainingError

Arrays = dict[str, NDArray[Any]]


class Workers:
    """This worker among the others that a `TF_CONFIG` describes; without one it is alone.

    It is to be made before TensorFlow computes anything.

    Raises:
        ConfigError: that is none, or the others cannot be listened to.
    """

    def __init__(self, tf_config: str = "") -> None:
        self.number, self.index = place(tf_config)
        self.strategy = tf.distribute.get_strategy() if self.number == 1 else _strategy()

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

    def require_same(self, description: bytes) -> None:
        """Make sure that what determines the training is the same everywhere; all call this together.

        Raises:
            ConfigError: it is not.
        """
        digest = np.frombuffer(hashlib.sha256(description).digest(), np.int32).astype(np.int64)
        if not np.array_equal(self._sums({"digest": digest})["digest"], self.number * digest):
            raise ConfigError(
                "the workers have different texts or configurations: "
                "run the same command on the same files everywhere"
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
            TrainingError: there is too little memory, or one of them is gone, so that nothing can
                be computed any more.
        """
        try:
            yield
        except tf.errors.ResourceExhaustedError as error:
            raise TrainingError(
                "there is too little memory: lower batch_size, sequence_length or units"
            ) from error
        except tf.errors.OpError as error:
            if self.number == 1:
                raise
            raise TrainingError(
                "another worker is gone: start all of them again with the same command"
            ) from error

    def of_chief(self, arrays: Arrays) -> Arrays:
        """Return the chief's arrays on every worker; all call this together."""
        parts = {name: array for name, array in arrays.items() if array.size}
        if not self.chief:
            parts = {name: np.zeros_like(array) for name, array in parts.items()}
        return arrays | self._sums(parts)

    def meet(self) -> None:
        """Wait for the others; all call this together. Raises `TrainingError`: one is gone."""
        self._sums({"here": np.ones(1, np.int64)})

    def _sums(self, arrays: Arrays) -> Arrays:
        """Return the sums over the workers."""
        if self.number == 1:
            return arrays
        # What can be added up: integers of 64 bits, or floats of 32.
        parts = {
            name: tf.constant(
                array, tf.int64 if np.issubdtype(array.dtype, np.integer) else tf.float32
            )
            for name, array in arrays.items()
        }

        def summed() -> dict[str, tf.Tensor]:
            context = tf.distribute.get_replica_context()
            sum_ = tf.distribute.ReduceOp.SUM
            return {name: context.all_reduce(sum_, part) for name, part in parts.items()}

        with self.together():
            shared = tf.function(lambda: self.strategy.run(summed))()
        return {name: part.numpy().astype(arrays[name].dtype) for name, part in shared.items()}


def _strategy() -> tf.distribute.Strategy:
    try:
        return tf.distribute.MultiWorkerMirroredStrategy()
    except (ValueError, tf.errors.OpError) as error:  # such as a port that is taken
        raise ConfigError(f"TF_CONFIG: {str(error).splitlines()[0]}") from error


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
