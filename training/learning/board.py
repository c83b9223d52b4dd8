"""Losses and samples as event files for TensorBoard."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import tensorflow as tf

from training.learning.epochs import Epoch
from training.learning.trainer import Trainer
from training.space import as_os_errors


class Board:
    """The log of a training by step, where one step is one batch; complete at the end of its block.

    The log is written before each checkpoint, so that a killed training misses no step in the log.
    Steps after the checkpoint are trained again and logged again, with the same values.
    """

    def __init__(self, folder: Path, trainer: Trainer, steps_per_epoch: int) -> None:
        self._writer = tf.summary.create_file_writer(str(folder))
        self._trainer, self._steps_per_epoch = trainer, steps_per_epoch
        self._written = self._before() + len(trainer.position.losses)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.losses()
        self._writer.close()

    def losses(self) -> None:
        """Write the losses of the batches since the last call."""
        with self._writing():
            for step, loss in enumerate(self._trainer.position.losses, self._before() + 1):
                if step > self._written:
                    tf.summary.scalar("loss/batch", loss, step)
                    self._written = step

    def epoch(self, epoch: Epoch) -> None:
        """Write the losses and samples of an epoch."""
        with self._writing(epoch.number * self._steps_per_epoch):
            tf.summary.scalar("loss/train", epoch.train_loss)
            tf.summary.scalar("loss/validation", epoch.validation_loss)
            for temperature, sample in epoch.samples.items():
                # TensorBoard reads Markdown, where an indented sample keeps its line breaks.
                text = "".join(f"    {line}\n" for line in sample.splitlines())
                tf.summary.text(f"sample/temperature {temperature}", text)

    @contextmanager
    def _writing(self, step: int | None = None) -> Iterator[None]:
        with as_os_errors(), self._writer.as_default(step):
            yield
            self._writer.flush()

    def _before(self) -> int:
        """Return the number of steps before the current epoch."""
        return (self._trainer.position.epoch - 1) * self._steps_per_epoch
