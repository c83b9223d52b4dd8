"""The TensorBoard log of a training, as TensorBoard reads it."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tests.training.small import Training, small_config
from training.learning.trainer import Trainer

pytestmark = pytest.mark.slow

TEXT = "the cat sat on the mat, and the dog sat on the cat.\n" * 30


def shown(folder: Path) -> EventAccumulator:
    return EventAccumulator(str(folder), size_guidance={"scalars": 0, "tensors": 0}).Reload()


def scalars(folder: Path, tag: str) -> list[tuple[int, float]]:
    events = shown(folder).Tensors(tag)
    return [(event.step, float(tf.make_ndarray(event.tensor_proto))) for event in events]


def test_losses_and_samples_are_logged(tmp_path: Path) -> None:
    """The log has a loss for each batch, and losses and samples for each epoch."""
    run = Training(tmp_path, TEXT, small_config()).fit().run
    batches = scalars(tmp_path, "loss/batch")
    per_epoch = len(batches) // 2
    assert [step for step, _ in batches] == list(range(1, 2 * per_epoch + 1))
    first = [loss for step, loss in batches if step <= per_epoch]
    assert np.mean(first) == pytest.approx(run.epochs[0].train_loss, rel=1e-5)
    for kind in ("train", "validation"):
        steps, losses = zip(*scalars(tmp_path, f"loss/{kind}"), strict=True)
        assert steps == (per_epoch, 2 * per_epoch)
        expected = [getattr(epoch, f"{kind}_loss") for epoch in run.epochs]
        assert losses == pytest.approx(expected)
    for temperature, sample in run.epochs[1].samples.items():
        text = shown(tmp_path).Tensors(f"sample/temperature {temperature}")[1].tensor_proto
        shown_lines = text.string_val[0].decode().splitlines()
        assert shown_lines == [f"    {line}" for line in sample.splitlines()]


def test_an_interrupted_training_has_one_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After an interruption in the second epoch the log has every batch, with the same losses."""
    undisturbed = Training(tmp_path / "undisturbed", TEXT, small_config()).fit().run.folder
    step = Trainer.step

    def interrupted(self: Trainer, *batch: np.ndarray) -> float:
        if self.position.epoch == 2 and len(self.position.losses) == 3:
            raise KeyboardInterrupt
        return step(self, *batch)

    folder = tmp_path / "interrupted"
    monkeypatch.setattr(Trainer, "step", interrupted)
    with pytest.raises(KeyboardInterrupt):
        Training(folder, TEXT, small_config()).fit()
    monkeypatch.undo()
    Training(folder, TEXT, small_config()).fit()
    for tag in ("loss/batch", "loss/validation"):
        assert set(scalars(folder, tag)) == set(scalars(undisturbed, tag))


def test_a_new_run_begins_a_new_log(tmp_path: Path) -> None:
    """A new run in a folder deletes the log of the earlier run."""
    training = Training(tmp_path, TEXT, small_config(epochs=1)).fit()
    training.run.close()
    Training(tmp_path, TEXT, small_config(epochs=1)).fit()
    assert len(list(tmp_path.glob("events.*"))) == 1
