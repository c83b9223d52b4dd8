"""The lecture's fun example: its log, and the frozen file that is loaded again."""

from pathlib import Path

import numpy as np
import pytest

from model_store import ModelStore, StoredModel, contents
from tests.training.small import Training
from training.frozen.runtime import stream_logits
from training.lecture.sequences.character_model import LectureLog, keep, load, write

pytestmark = pytest.mark.slow


@pytest.fixture
def version(published: Path) -> StoredModel:
    """A published version of a small network."""
    return ModelStore(published).open("small", 1)


def test_an_epoch_is_logged_as_in_the_lecture(
    trained: Training, capsys: pytest.CaptureFixture[str]
) -> None:
    """The log of an epoch has the loss, and the seed text with its continuation at 1.0 and then at 0.5."""
    epoch, run = trained.run.epochs[-1], trained.run
    LectureLog().epoch(epoch, run)
    assert capsys.readouterr().out == (
        f"\n| epoch: 003 | loss: {epoch.train_loss:.4f} | val_loss: {epoch.validation_loss:.4f}\n"
        "-- TESTING...\n"
        f"-- Test with temperature of 1.0 --\n{run.info.seed_text}{epoch.samples['1.0']}\n"
        f"-- Test with temperature of 0.5 --\n{run.info.seed_text}{epoch.samples['0.5']}\n"
    )


def test_the_frozen_file_writes_the_likeliest_at_a_low_temperature(version: StoredModel) -> None:
    """Near temperature 0, each character that is written has the highest logit after those before."""
    frozen = version.file(contents.FP32_GRAPH)
    text = write(frozen, version.vocabulary, "The ", 1e-3, 20, np.random.default_rng(1))
    ids = version.vocabulary.encode("The " + text)
    assert len(ids) == 24
    assert np.array_equal(stream_logits(frozen, ids)[3:-1].argmax(axis=-1), ids[4:])


def test_a_kept_network_writes_again(version: StoredModel, tmp_path: Path) -> None:
    """The folder that the command leaves writes what the published version writes, without the store."""
    kept, symbols = load(keep(version, tmp_path / "character-model"))
    assert sorted(path.name for path in kept.parent.iterdir()) == ["model.onnx", "vocabulary.json"]
    first, again = (
        write(frozen, vocabulary, "The ", 2.0, 40, np.random.default_rng(1))
        for frozen, vocabulary in (
            (version.file(contents.FP32_GRAPH), version.vocabulary),
            (kept, symbols),
        )
    )
    assert first == again


def test_the_random_numbers_alone_choose_the_text(version: StoredModel) -> None:
    """A frozen network that is loaded twice writes the same text from the same random numbers."""
    frozen = version.file(contents.FP32_GRAPH)
    first, second, other = (
        write(frozen, version.vocabulary, "The ", 1.0, 40, np.random.default_rng(seed))
        for seed in (1, 1, 2)
    )
    assert first == second != other
