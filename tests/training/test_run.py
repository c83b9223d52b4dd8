"""A run on disk holds its configuration, its epochs and the weights of the best epoch."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.training.small import small_config
from training.corpus.sources import Corpus
from training.errors import TrainingError
from training.learning.arrays import Arrays
from training.learning.epochs import Epoch, Untrained
from training.learning.run import Run, RunInfo, held

INFO = RunInfo(small_config(units=17), corpus_sha256="ab" * 32, symbols="ab", seed_text="Ä\n“")


def epoch(number: int, loss: float) -> Epoch:
    return Epoch(number, loss + 0.1, loss, {"0.5": "ä\n", "1.0": ""})


def weights(value: float) -> list[np.ndarray]:
    # More than ten arrays, whose names do not sort as their numbers do.
    return [np.full((index + 1, 2), value + index, np.float32) for index in range(12)]


def test_a_run_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    """Another process opens the same configuration, epochs and weights, in their order."""
    run = Run.start(tmp_path / "runs" / "a", INFO)
    run.record_untrained(untrained := Untrained(4.2, {"0.5": "x", "1.0": "ß"}))
    run.record(epoch(1, 2.5), weights(0.5))
    opened = Run.open(run.folder)
    assert (opened.info, opened.epochs) == (INFO, [epoch(1, 2.5)])
    assert opened.history == [untrained, epoch(1, 2.5)]
    for found, expected in zip(opened.best_weights(), weights(0.5), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_the_best_epochs_weights_are_kept(tmp_path: Path) -> None:
    """An epoch that is not better than the best is recorded without its weights."""
    run = Run.start(tmp_path, INFO)
    for number, loss in enumerate([3.0, 2.0, 2.5, 2.0], start=1):
        run.record(epoch(number, loss), weights(number))
    opened = Run.open(tmp_path)
    assert [each.number for each in opened.epochs] == [1, 2, 3, 4]
    assert opened.best == run.best == epoch(2, 2.0)
    np.testing.assert_array_equal(opened.best_weights()[0], weights(2)[0])


def test_nothing_half_written_is_left(tmp_path: Path) -> None:
    """Files are replaced as a whole, and the next start deletes what a killed write left."""
    (tmp_path / ".checkpoint.npz.0123").touch()
    run = Run.start(tmp_path, INFO)
    run.record(epoch(1, 2.0), weights(1))
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "best-1.npz",
        "epochs.json",
        "run.json",
    ]


def test_a_failed_record_leaves_the_run_as_it_was(tmp_path: Path) -> None:
    """If weights cannot be written, the epoch is recorded neither in memory nor on disk."""
    run = Run.start(tmp_path, INFO)
    run.record(epoch(1, 2.0), weights(1))
    (tmp_path / "best-2.npz").mkdir()
    with pytest.raises(OSError, match="directory"):
        run.record(epoch(2, 1.0), weights(2))
    assert run.epochs == Run.open(tmp_path).epochs == [epoch(1, 2.0)]
    np.testing.assert_array_equal(run.best_weights()[0], weights(1)[0])


def test_a_new_run_replaces_the_old_one(tmp_path: Path) -> None:
    """A new run deletes the epochs and weights of the earlier run."""
    Run.start(tmp_path, INFO).record(epoch(1, 2.0), weights(1))
    Run.start(tmp_path, INFO)
    with pytest.raises(TrainingError, match="no run with a finished epoch"):
        Run.open(tmp_path)


def test_a_run_with_epoch_0_alone_has_nothing_to_publish(tmp_path: Path) -> None:
    """The untrained network is no finished epoch."""
    Run.start(tmp_path, INFO).record_untrained(Untrained(4.2, {}))
    with pytest.raises(TrainingError, match="no run with a finished epoch"):
        Run.open(tmp_path)


def test_a_folder_without_a_run_is_named(tmp_path: Path) -> None:
    """A folder without a run is refused with its name."""
    with pytest.raises(TrainingError, match="absent holds no run with a finished epoch"):
        Run.open(tmp_path / "absent")


@pytest.mark.parametrize("file", ["run.json", "epochs.json"])
@pytest.mark.parametrize("content", ["", "{}", '[{"number": 1}]', '{"config": {"unit": 1}}'])
def test_a_damaged_run_is_refused(tmp_path: Path, file: str, content: str) -> None:
    """A damaged file of a run is an error of one line with the remedy."""
    Run.start(tmp_path, INFO).record(epoch(1, 2.0), weights(1))
    (tmp_path / file).write_text(content)
    with pytest.raises(TrainingError, match="is damaged, or was made by another version"):
        Run.open(tmp_path)


def test_another_text_is_refused(tmp_path: Path) -> None:
    """A run is published only with the text that trained it."""
    run = Run.start(tmp_path, INFO)
    run.require(Corpus("a.txt", "ab" * 32))
    with pytest.raises(TrainingError, match="was trained on another text"):
        run.require(Corpus("a.txt", "cd" * 32))


def test_the_configuration_is_written_whole(tmp_path: Path) -> None:
    """`run.json` names every key, so that a run can be repeated from it."""
    Run.start(tmp_path, INFO)
    values = json.loads((tmp_path / "run.json").read_bytes())
    assert values["content"]["config"] == INFO.config.model_dump()


def checkpoint(epoch: int) -> Arrays:
    return {"epoch": np.array(epoch), "losses": np.array([1.5, 1.25])}


def test_an_unfinished_run_goes_on(tmp_path: Path) -> None:
    """A run with the same configuration and text continues from its checkpoint."""
    run = Run.start(tmp_path, INFO)
    run.record(epoch(1, 2.0), weights(1))
    run.save(checkpoint(2))
    again = Run.start(tmp_path, INFO)
    assert (again.epochs, again.next_epoch) == ([epoch(1, 2.0)], 2)
    saved = again.checkpoint()
    assert saved is not None
    np.testing.assert_array_equal(saved["losses"], [1.5, 1.25])


def test_an_epoch_after_the_checkpoint_is_trained_again(tmp_path: Path) -> None:
    """After a kill between record and checkpoint, the run has the older best weights."""
    run = Run.start(tmp_path, INFO)
    run.record(epoch(1, 2.0), weights(1))
    run.save(checkpoint(2))
    run.record(epoch(2, 1.0), weights(2))
    again = Run.start(tmp_path, INFO)
    assert again.epochs == Run.open(tmp_path).epochs == [epoch(1, 2.0)]
    np.testing.assert_array_equal(again.best_weights()[0], weights(1)[0])
    again.save(checkpoint(2))
    np.testing.assert_array_equal(Run.open(tmp_path).best_weights()[0], weights(1)[0])
    again.record(epoch(2, 1.0), weights(2))
    again.save(checkpoint(3))
    assert [path.name for path in tmp_path.glob("best-*")] == ["best-2.npz"]


def test_two_trainings_do_not_share_a_folder(tmp_path: Path) -> None:
    """A second training of a folder is refused while the first holds the folder."""
    with held(tmp_path / "mine"):
        with pytest.raises(TrainingError, match=r"another training works in .*mine"):
            held(tmp_path / "mine").__enter__()
        with held(tmp_path / "yours"):
            pass
    with held(tmp_path / "mine"):
        pass


def test_another_run_does_not_go_on_with_it(tmp_path: Path) -> None:
    """Other inputs than those of the unfinished run are refused, and the run stays as it was."""
    run = Run.start(tmp_path, INFO)
    run.save(checkpoint(1))
    config = small_config(units=18, epochs=7)
    with pytest.raises(TrainingError, match=r"unfinished run with units=17, epochs=2: .*--fresh"):
        Run.start(tmp_path, replace(INFO, config=config))
    with pytest.raises(TrainingError, match=r"unfinished run with 1 workers: .*--fresh"):
        Run.start(tmp_path, replace(INFO, workers=2))
    with pytest.raises(TrainingError, match="unfinished run of another text"):
        Run.start(tmp_path, replace(INFO, corpus_sha256="cd" * 32))
    assert Run.start(tmp_path, INFO).next_epoch == 1


@pytest.mark.parametrize("how", ["fresh", "published"])
def test_a_run_that_is_given_up_or_published_begins_anew(tmp_path: Path, how: str) -> None:
    """A run that is given up or published leaves nothing to the next run."""
    run = Run.start(tmp_path, INFO)
    run.record(epoch(1, 2.0), weights(1))
    run.save(checkpoint(2))
    if how == "published":
        run.close()
    anew = Run.start(tmp_path, INFO, fresh=how == "fresh")
    assert (anew.epochs, anew.checkpoint()) == ([], None)
    assert not list(tmp_path.glob("best-*"))


@pytest.mark.parametrize("keep", [0, 10, 100, -1])
def test_a_damaged_checkpoint_gives_way_to_the_one_before(tmp_path: Path, keep: int) -> None:
    """A checkpoint that is cut short is replaced by the one before, and named."""
    run = Run.start(tmp_path, INFO)
    run.save(checkpoint(1))
    run.record(epoch(1, 2.0), weights(1))
    run.save(checkpoint(2))
    file = tmp_path / "checkpoint.npz"
    file.write_bytes(file.read_bytes()[:keep])
    again = Run.start(tmp_path, INFO)
    assert (again.next_epoch, again.epochs, again.damaged) == (1, [], [file])
    again.save(checkpoint(1))
    assert Run.start(tmp_path, INFO).damaged == []


def test_a_checkpoint_with_a_changed_byte_is_damaged(tmp_path: Path) -> None:
    """A changed byte within the arrays is noticed."""
    run = Run.start(tmp_path, INFO)
    run.save(checkpoint(1) | {"variable0": np.zeros(1000)})
    run.save(checkpoint(1) | {"variable0": np.zeros(1000)})
    file = tmp_path / "checkpoint.npz"
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    assert Run.start(tmp_path, INFO).damaged == [file]


def test_without_a_whole_checkpoint_the_files_are_named(tmp_path: Path) -> None:
    """If no checkpoint is whole, the error names the files and the remedies, and nothing is deleted."""
    run = Run.start(tmp_path, INFO)
    run.record(epoch(1, 2.0), weights(1))
    for _ in range(2):
        run.save(checkpoint(2))
    for name in ("checkpoint.npz", "checkpoint.before.npz"):
        (tmp_path / name).write_bytes(b"PK")
    with pytest.raises(
        TrainingError, match=r"checkpoint\.npz and .*before\.npz cannot be read: pub"
    ):
        Run.start(tmp_path, INFO)
    np.testing.assert_array_equal(Run.open(tmp_path).best_weights()[0], weights(1)[0])
    assert Run.start(tmp_path, INFO, fresh=True).epochs == []


def test_a_kill_between_two_checkpoints_costs_the_newer_alone(tmp_path: Path) -> None:
    """If the checkpoint before is the only one, the run continues from there."""
    run = Run.start(tmp_path, INFO)
    run.save(checkpoint(1))
    (tmp_path / "checkpoint.npz").rename(tmp_path / "checkpoint.before.npz")
    assert Run.start(tmp_path, INFO).next_epoch == 1


def test_damaged_best_weights_do_not_count(tmp_path: Path) -> None:
    """Without whole weights nothing is published; the training goes on and keeps its next epoch."""
    run = Run.start(tmp_path, INFO)
    run.record(epoch(1, 2.0), weights(1))
    run.save(checkpoint(2))
    file = tmp_path / "best-1.npz"
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(TrainingError, match=r"best-1\.npz cannot be read, and there are no other"):
        Run.open(tmp_path)
    again = Run.start(tmp_path, INFO)
    assert (again.has_best, again.damaged) == (False, [file])
    again.record(epoch(2, 2.5), weights(2))
    again.save(checkpoint(3))
    assert Run.open(tmp_path).best == epoch(2, 2.5)


@pytest.mark.parametrize("keep", [None, 0, 100])
def test_a_finished_run_without_its_best_weights_is_refused(
    tmp_path: Path, keep: int | None
) -> None:
    """After the last epoch no training makes up for lost weights, and the error says what to do."""
    run = Run.start(tmp_path, INFO)
    for number in (1, 2):
        run.record(epoch(number, 1.0 + number), weights(number))
        run.save(checkpoint(number + 1))
    file = tmp_path / "best-1.npz"
    if keep is None:
        file.unlink()
    else:
        file.write_bytes(file.read_bytes()[:keep])
    with pytest.raises(TrainingError, match=r"best-.*npz cannot be read, .* begin anew with --fre"):
        Run.start(tmp_path, INFO)
    assert Run.start(tmp_path, INFO, fresh=True).epochs == []
