"""A run with a damaged file goes on as if the file were whole, or names the file."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from model_store import ModelStore
from tests.training.small import ENGLISH, Training, small_config
from training.errors import TrainingError
from training.frozen.start import Start
from training.learning import fit
from training.learning.batches import batches_of
from training.learning.distil import taught
from training.learning.trainer import Trainer

pytestmark = pytest.mark.slow

TEXT = ENGLISH[:5000]
CONFIG = small_config(units=8, epochs=3, teacher_text=500, batch_size=8)
FILES = {
    *("run.json", "epochs.json", "best-1.npz", "checkpoint.npz", "checkpoint.before.npz"),
    *("text.ids", "text.json", "written.npy", "targets.npy", "events"),
}
DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "half": lambda data: data[: len(data) // 2],
    "empty": lambda data: b"",
    "first byte": lambda data: _changed(data, 0),
    "early byte": lambda data: _changed(data, len(data) // 5),
    "middle byte": lambda data: _changed(data, len(data) // 2),
    "last byte": lambda data: _changed(data, len(data) - 1),
}
REFUSED = {"run.json", "epochs.json"}


def _changed(data: bytes, place: int) -> bytes:
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


@pytest.fixture(scope="module")
def teachers(published: Path) -> list[Start]:
    """One version, which teaches."""
    return [Start.at("small", ModelStore(published))]


def opened(folder: Path, teachers: list[Start]) -> Training:
    return Training(folder, TEXT, CONFIG, teachers=teachers)


@pytest.fixture(scope="module")
def interrupted(teachers: list[Start], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that was interrupted in its second epoch."""
    folder = tmp_path_factory.mktemp("interrupted")
    step = Trainer.step

    def stopped(self: Trainer, *batch: Any) -> float:
        if self.position.epoch == 2 and len(self.position.losses) == 5:
            raise KeyboardInterrupt
        return step(self, *batch)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fit, "CHECKPOINT_SECONDS", 0)
        patch.setattr(Trainer, "step", stopped)
        with pytest.raises(KeyboardInterrupt):
            opened(folder, teachers).fit()
    (events,) = folder.glob("events*")
    events.rename(folder / "events")  # a name that the tests can know
    return folder


def state(training: Training) -> dict[str, Any]:
    """Return all that the further training of a run depends on."""
    run, text, config = training.run, training.text, training.run.info.config
    batches = batches_of(text, config)
    batches = taught(batches, training.teachers, config, text, training.vocabulary, run.folder)
    return {
        "info": run.info,
        "history": run.history,
        "checkpoint": run.checkpoint(),
        "text": text.ids,
        "symbols": training.vocabulary.symbols,
        "ids": batches.ids,
        "targets": batches.soft,
    }


def test_every_file_of_a_run_is_damaged_here(interrupted: Path) -> None:
    """The files of a run are those that the tests below damage, the lock and the corpus aside."""
    assert {file.name for file in interrupted.iterdir()} == FILES | {"small.txt"}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", sorted(FILES))
def test_a_damaged_file_changes_nothing_silently(
    interrupted: Path, teachers: list[Start], tmp_path: Path, name: str, damage: str
) -> None:
    """Text and lessons are made anew, the checkpoint before stands in, and any other file is named."""
    folder = shutil.copytree(interrupted, tmp_path / "run")
    whole = shutil.copytree(interrupted, tmp_path / "whole")
    file = folder / name
    file.write_bytes(DAMAGES[damage](file.read_bytes()))
    if name in REFUSED:
        with pytest.raises(TrainingError, match=rf"run/{name} is damaged, .* --fresh"):
            opened(folder, teachers)
        return
    if name == "checkpoint.npz":
        (whole / "checkpoint.before.npz").replace(whole / name)
    training = opened(folder, teachers)
    weights = name in ("checkpoint.npz", "best-1.npz")
    assert training.run.damaged == ([file] if weights else [])
    np.testing.assert_equal(state(training), state(opened(whole, teachers)))


def test_a_damaged_run_ends_as_a_whole_one(
    interrupted: Path, teachers: list[Start], tmp_path: Path
) -> None:
    """A training that goes on without its damaged files ends with the weights of an undisturbed one."""
    folder = shutil.copytree(interrupted, tmp_path / "run")
    for name in ("checkpoint.npz", "text.ids", "text.json", "written.npy", "targets.npy"):
        (folder / name).write_bytes(DAMAGES["half"]((folder / name).read_bytes()))
    undisturbed = opened(tmp_path / "undisturbed", teachers).fit().run
    run = opened(folder, teachers).fit().run
    assert run.epochs == undisturbed.epochs
    np.testing.assert_equal(run.best_weights(), undisturbed.best_weights())
