"""A run on disk: its configuration, its epochs, the weights of the best one."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.training.small import small_config
from training.corpus import Corpus
from training.errors import TrainingError
from training.run import Epoch, Run, RunInfo

INFO = RunInfo(small_config(units=17), corpus_sha256="ab" * 32, seed_text="Ä\n“")


def epoch(number: int, loss: float) -> Epoch:
    return Epoch(number, loss + 0.1, loss, {"0.5": "ä\n", "1.0": ""})


def weights(value: float) -> list[np.ndarray]:
    # More than ten arrays, whose names do not sort as their numbers do.
    return [np.full((index + 1, 2), value + index, np.float32) for index in range(12)]


def test_a_run_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    """Another process opens the same configuration, epochs and weights, in their order."""
    run = Run.create(tmp_path / "runs" / "a", INFO)
    run.record(epoch(1, 2.5), weights(0.5))
    opened = Run.open(run.folder)
    assert (opened.info, opened.epochs) == (INFO, [epoch(1, 2.5)])
    for found, expected in zip(opened.best_weights(), weights(0.5), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_the_best_epochs_weights_are_kept(tmp_path: Path) -> None:
    """A worse epoch, and one that only equals the best, are recorded without their weights."""
    run = Run.create(tmp_path, INFO)
    for number, loss in enumerate([3.0, 2.0, 2.5, 2.0], start=1):
        run.record(epoch(number, loss), weights(number))
    opened = Run.open(tmp_path)
    assert [each.number for each in opened.epochs] == [1, 2, 3, 4]
    assert opened.best == run.best == epoch(2, 2.0)
    np.testing.assert_array_equal(opened.best_weights()[0], weights(2)[0])


def test_nothing_half_written_is_left(tmp_path: Path) -> None:
    """Every file is replaced as a whole, so the folder holds the three files alone."""
    run = Run.create(tmp_path, INFO)
    run.record(epoch(1, 2.0), weights(1))
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "best.npz",
        "epochs.json",
        "run.json",
    ]


def test_a_failed_record_leaves_the_run_as_it_was(tmp_path: Path) -> None:
    """When weights cannot be written, in memory and on disk the epoch never was."""
    run = Run.create(tmp_path, INFO)
    run.record(epoch(1, 2.0), weights(1))
    (tmp_path / "best.partial.npz").mkdir()
    with pytest.raises(OSError, match="directory"):
        run.record(epoch(2, 1.0), weights(2))
    assert run.epochs == Run.open(tmp_path).epochs == [epoch(1, 2.0)]
    np.testing.assert_array_equal(run.best_weights()[0], weights(1)[0])


def test_a_new_run_replaces_the_old_one(tmp_path: Path) -> None:
    """Nothing of an earlier run can be taken for the new one's."""
    Run.create(tmp_path, INFO).record(epoch(1, 2.0), weights(1))
    Run.create(tmp_path, INFO)
    with pytest.raises(TrainingError, match="no run with a finished epoch"):
        Run.open(tmp_path)


def test_a_folder_without_a_run_is_named(tmp_path: Path) -> None:
    """There is nothing to publish where nothing was trained."""
    with pytest.raises(TrainingError, match="absent holds no run with a finished epoch"):
        Run.open(tmp_path / "absent")


@pytest.mark.parametrize("file", ["run.json", "epochs.json"])
@pytest.mark.parametrize("content", ["", "{}", '[{"number": 1}]', '{"config": {"unit": 1}}'])
def test_a_damaged_run_is_refused(tmp_path: Path, file: str, content: str) -> None:
    """A file that is none of a run's is an error of one line with the remedy."""
    Run.create(tmp_path, INFO).record(epoch(1, 2.0), weights(1))
    (tmp_path / file).write_text(content)
    with pytest.raises(TrainingError, match="is damaged, or was made by another version"):
        Run.open(tmp_path)


def test_another_text_is_refused(tmp_path: Path) -> None:
    """A run publishes only with the very text that it learned from."""
    run = Run.create(tmp_path, INFO)
    run.require(Corpus("a.txt", "ab" * 32))
    with pytest.raises(TrainingError, match="was trained on another text"):
        run.require(Corpus("a.txt", "cd" * 32))


def test_the_configuration_is_written_whole(tmp_path: Path) -> None:
    """`run.json` names every key, so that a run can be repeated from it."""
    Run.create(tmp_path, INFO)
    values = json.loads((tmp_path / "run.json").read_bytes())
    assert values["config"] == INFO.config.model_dump()
