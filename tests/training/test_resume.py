"""An interrupted training ends with the weights of an uninterrupted one, to the last bit."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tests.training.small import Training, small_config
from training.errors import TrainingError
from training.learning.run import Run
from training.learning.trainer import Trainer

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
TEXT = "the cat sat on the mat, and the dog sat on the cat.\n" * 60
CONFIG = small_config(dropout=0.3, weight_drop=0.3, epochs=3, precision="mixed_bfloat16", units=24)

# The job in a process of its own, with checkpoints at every few steps.
JOB = """
import sys
from pathlib import Path
import training.learning.fit
from tests.training.test_resume import CONFIG, TEXT
from tests.training.small import Training

training.learning.fit.CHECKPOINT_SECONDS = 0.02
Training(Path(sys.argv[1]), TEXT, CONFIG).fit()
"""


def process(folder: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", JOB, str(folder)], cwd=ROOT)


def same(run: Run, other: Run) -> None:
    assert run.epochs == other.epochs
    for found, expected in zip(run.best_weights(), other.best_weights(), strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run without an interruption."""
    return Training(tmp_path_factory.mktemp("uninterrupted"), TEXT, CONFIG).fit().run


def _written(folder: Path) -> int | None:
    """The time of the checkpoint; None while one checkpoint takes the place of another."""
    try:
        return (folder / "checkpoint.npz").stat().st_mtime_ns
    except FileNotFoundError:
        return None


def test_killed_at_any_moment_it_goes_on(tmp_path: Path, uninterrupted: Run) -> None:
    """After `kill -9` at any moment, the training ends with the weights of an uninterrupted one."""
    rng = random.Random(0)
    for _ in range(2):
        job = process(tmp_path)
        while not (tmp_path / "checkpoint.npz").exists():
            assert job.poll() is None
            time.sleep(0.01)
        before = _written(tmp_path)
        while _written(tmp_path) == before and job.poll() is None:
            time.sleep(0.001)
        time.sleep(rng.uniform(0, 0.5))
        job.send_signal(signal.SIGKILL)
        job.wait()
    assert process(tmp_path).wait(timeout=300) == 0
    same(Run.open(tmp_path), uninterrupted)


def test_ctrl_c_costs_nothing_either(
    tmp_path: Path, uninterrupted: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After Ctrl-C in the second epoch, the weights are those of an uninterrupted training."""
    step, steps = Trainer.step, []

    def interrupted(self: Trainer, *batch: np.ndarray) -> float:
        steps.append(self.position.epoch)
        if len(steps) == 30:
            raise KeyboardInterrupt
        return step(self, *batch)

    monkeypatch.setattr(Trainer, "step", interrupted)
    with pytest.raises(KeyboardInterrupt):
        Training(tmp_path, TEXT, CONFIG).fit()
    assert steps[-1] == 2
    same(Training(tmp_path, TEXT, CONFIG).fit().run, uninterrupted)
    assert steps[30] == 2  # the first epoch is not trained again


def test_a_finished_run_is_not_trained_again(tmp_path: Path) -> None:
    """A finished run takes no further step."""
    training = Training(tmp_path, TEXT, CONFIG.model_copy(update={"epochs": 1})).fit()
    again = Training(tmp_path, TEXT, CONFIG.model_copy(update={"epochs": 1}))
    assert again.run.next_epoch == 2
    same(again.fit().run, training.run)


def test_a_diverged_training_keeps_its_last_good_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When weights explode in the second epoch, the weights of the first epoch stay."""
    training = Training(tmp_path, TEXT, CONFIG)
    step = Trainer.step

    def spoiled(self: Trainer, *batch: np.ndarray) -> float:
        if self.position.epoch == 2:
            for variable in self.model.trainable_variables:
                variable.assign(variable * 1e6)
        return step(self, *batch)

    monkeypatch.setattr(Trainer, "step", spoiled)
    with pytest.raises(TrainingError, match=r"the loss is \S+ in epoch 2: lower learning_rate"):
        training.fit()
    run = Run.open(tmp_path)
    assert [epoch.number for epoch in run.epochs] == [1]
    assert all(np.isfinite(weight).all() for weight in run.best_weights())
    monkeypatch.undo()
    # The checkpoint is older than the explosion, so that the run can continue.
    assert Training(tmp_path, TEXT, CONFIG).fit().run.epochs[0] == run.epochs[0]
