"""The workers of one training: one process, or several machines that `TF_CONFIG` names.

All workers run the same command on the same text. Each worker computes the gradient of its rows of
every batch, and the mean of the gradients updates the weights of every worker. The first worker, the
chief, also evaluates, writes checkpoints and publishes.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from training.errors import ConfigError, TrainingError
from training.interrupts import deferred
from training.learning.arrays import Arrays
from training.learning.cluster import place


class Workers:
    """The workers that `TF_CONFIG` describes, seen from this worker; without `TF_CONFIG` there is one.

    The object must exist before TensorFlow computes anything.

    Raises:
        ConfigError: TF_CONFIG is invalid, or its port is taken.
    """

    def __init__(self, tf_config: str = "") -> None:
        self.number, self.index = place(tf_config)
        self.strategy = tf.distribute.get_strategy() if self.number == 1 else _strategy()

    @property
    def chief(self) -> bool:
        """Whether this worker evaluates, writes checkpoints and publishes."""
        return self.index == 0

    def check(self, batch_size: int) -> None:
        """Check that every worker gets the same number of rows of a batch.

        Raises:
            ConfigError: the number of workers does not divide the batch size.
        """
        if batch_size % self.number:
            raise ConfigError(
                f"batch_size: {batch_size} rows cannot be shared evenly by {self.number} workers"
            )

    def require_same(self, description: bytes) -> None:
        """Check that all workers have the same description of the run; all workers call this together.

        Raises:
            ConfigError: the descriptions differ.
        """
        # The digest as 8 integers [8]: a sum of equal digests is `number` times the digest.
        digest = np.frombuffer(hashlib.sha256(description).digest(), np.int32).astype(np.int64)
        if not np.array_equal(self._sums({"digest": digest})["digest"], self.number * digest):
            raise ConfigError(
                "the workers have different texts or configurations: "
                "run the same command on the same files everywhere"
            )

    def rows(self, batch: NDArray[Any]) -> NDArray[Any]:
        """Return this worker's rows [B / number, …] of a batch [B, …]."""
        return np.split(batch, self.number)[self.index]

    def mean(self, values: Any) -> Any:
        """Return the mean of tensors over the workers; a step of all workers calls this."""
        if self.number == 1:
            return values
        context = tf.distribute.get_replica_context()
        return context.all_reduce(tf.distribute.ReduceOp.MEAN, values)

    @contextmanager
    def together(self) -> Iterator[None]:
        """Report errors of a computation of all workers in the block; Ctrl-C waits for the end of the block.

        Raises:
            TrainingError: there is too little memory, or another worker is gone.
        """
        try:
            with deferred():
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
        """Return the chief's arrays on every worker; all workers call this together."""
        # The sum over the workers is the chief's arrays, since the other workers add zeros.
        parts = {name: array for name, array in arrays.items() if array.size}
        if not self.chief:
            parts = {name: np.zeros_like(array) for name, array in parts.items()}
        return arrays | self._sums(parts)

    def meet(self) -> None:
        """Wait until all workers call this.

        Raises:
            TrainingError: another worker is gone.
        """
        self._sums({"here": np.ones(1, np.int64)})

    def _sums(self, arrays: Arrays) -> Arrays:
        """Return the sum of each array over the workers, with the type of the array."""
        if self.number == 1:
            return arrays
        # TensorFlow can sum integers of 64 bits and floats of 32 bits over workers.
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
    except (ValueError, tf.errors.OpError) as error:  # for example, a port that is taken
        raise ConfigError(f"TF_CONFIG: {str(error).splitlines()[0]}") from error
