"""Distillation: a training learns the probabilities of published versions."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import training.__main__ as command
from model_store import ModelDescription, ModelStore, contents
from tests.factories import publish_random_model, write_graph
from tests.training.small import Training, small_config
from training.errors import ConfigError, TrainingError
from training.frozen.runtime import stream_logits
from training.frozen.start import Start
from training.inputs import inputs_of_training, vocabulary_of
from training.learning.batches import Batches, batches_of
from training.learning.distil import taught
from training.learning.evaluate import POSITIONS, WARMUP
from training.learning.run import TARGETS, WRITTEN, Run
from training.learning.teachers import WRITERS, written
from training.learning.trainer import Trainer
from training.options import TrainOptions, make_train_parser
from training.publishing.publish import publish

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def teachers(published: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Start]:
    """Two versions of one vocabulary: a trained one, and one with sharper probabilities."""
    trained = Start.at("small", ModelStore(published))
    version, weights = trained.version, trained.weights()
    assert version
    assert weights
    folder, store = (tmp_path_factory.mktemp(name) for name in ("export", "store"))
    write_graph(folder / contents.INT8_GRAPH, replace(weights, output=2 * weights.output))
    (folder / contents.VOCABULARY).write_text(version.vocabulary.to_json(), encoding="utf-8")
    fields = {name: getattr(version.manifest, name) for name in ModelDescription.model_fields}
    ModelStore(store).publish("sharp", folder, ModelDescription(**fields))
    return [trained, Start.at("sharp", ModelStore(store))]


def lessons(folder: Path, made: Training, teachers: list[Start], **changes: Any) -> Batches:
    """Return what the teachers make of the training part, with some keys of the configuration changed."""
    config = made.run.info.config.model_copy(update=changes)
    folder.mkdir()
    batches = batches_of(made.text, config)
    return taught(batches, teachers, config, made.text, made.vocabulary, folder)


def targets(folder: Path, made: Training, teachers: list[Start], share: float) -> Any:
    """Return the targets [N, V] of the training part."""
    return lessons(folder / f"{share}", made, teachers, teacher_share=share).soft


def probabilities(teacher: Start, ids: Any) -> Any:
    """The probabilities [N − 1, V] of the characters after the first, as the fp32 graph predicts them."""
    assert teacher.version
    files = teacher.version.manifest.files
    graph = contents.FP32_GRAPH if contents.FP32_GRAPH in files else contents.INT8_GRAPH
    logits = stream_logits(teacher.version.file(graph), ids[:-1].astype(np.int64))
    return np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)


def test_the_targets_are_the_mean_of_the_teachers(
    tmp_path: Path, trained: Training, teachers: list[Start]
) -> None:
    """With all the share, each target is the mean of the teachers' probabilities of the character."""
    found = targets(tmp_path, trained, teachers, 1.0)[:1000]
    expected = [probabilities(teacher, trained.text.train[:1000]) for teacher in teachers]
    # The graphs begin with a zero state, and the targets with the state after the text's end. The
    # products of the targets are in bf16 where the processor has bf16.
    strayed = np.abs(found[WARMUP + 1 :] - np.mean(expected, axis=0)[WARMUP:])
    assert strayed.max() < 0.02
    assert strayed.mean() < 5e-4


def test_the_characters_keep_the_other_share(
    tmp_path: Path, trained: Training, teachers: list[Start]
) -> None:
    """A target is the character and the teachers' probabilities, mixed by the share."""
    alone, mixed = (targets(tmp_path, trained, teachers, share) for share in (1.0, 0.25))
    characters = np.eye(len(trained.vocabulary))[trained.text.train]
    np.testing.assert_allclose(mixed, 0.75 * characters + 0.25 * alone, atol=1e-3)
    np.testing.assert_allclose(mixed.sum(axis=1, dtype=np.float32), 1, atol=2e-3)


def test_a_character_alone_teaches_as_its_id_does(trained: Training) -> None:
    """Without a share of the teachers a step changes the weights as a step towards ids does."""
    config, rng = trained.run.info.config, np.random.default_rng(0)
    ids = rng.integers(0, len(trained.vocabulary), (config.batch_size, 9))
    one_hot = np.eye(len(trained.vocabulary), dtype=np.float16)[ids[:, 1:]]
    found = []
    for after in (ids[:, 1:], one_hot):
        trainer = Trainer(config, trained.vocabulary, steps_per_epoch=1)
        loss = trainer.step(ids[:, :-1].astype(np.int32), after)
        found.append((loss, trainer.model.get_weights()))
    assert found[0][0] == pytest.approx(found[1][0], abs=1e-6)
    for one, other in zip(found[0][1], found[1][1], strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_the_teachers_write_as_their_probabilities_say(
    tmp_path: Path, trained: Training, teachers: list[Start]
) -> None:
    """A written text has as many surprises as its own targets expect, and stands before the training part."""
    own = 20_000
    found = lessons(tmp_path / "run", trained, teachers, teacher_text=own, teacher_share=0.0)
    assert found.soft is not None
    text, soft = found.ids[:own], np.array(found.soft[:own], np.float64)
    assert len(found) > len(batches_of(trained.text, trained.run.info.config))
    np.testing.assert_array_equal(found.ids[own:], trained.text.train)
    np.testing.assert_array_equal(found.soft[own:].argmax(axis=1), trained.text.train)
    surprise = -np.log(soft[np.arange(own), text] + 1e-7)
    expected = -(soft * np.log(soft + 1e-7)).sum(axis=1)
    error = (surprise - expected).std() / np.sqrt(own)
    assert surprise.mean() == pytest.approx(expected.mean(), abs=5 * error + 0.05)
    assert expected.mean() < 0.9 * np.log(len(trained.vocabulary))


def test_short_texts_are_written_from_their_beginning(tmp_path: Path) -> None:
    """In a corpus of many short texts, every written stream begins with the end of a text before."""
    names = "\n".join(
        f"{first}{second}ik" for first in "abcdefghijklmnopqr" for second in "aeiouyzbcdfghklm"
    )
    made = Training(tmp_path / "names", names, small_config(texts="lines", batch_size=2))
    end = made.text.text_end

    def read(ids: Any) -> Any:
        return np.full((*ids.shape, len(made.vocabulary)), 1 / len(made.vocabulary))

    config = made.run.info.config.model_copy(update={"teacher_text": 4 * WRITERS})
    rows = written(read, config, made.text).reshape(WRITERS, 4)
    assert np.all(rows[:, 0] == end)
    assert np.ptp(rows[:, 1:]) > 0


def test_teachers_read_a_bounded_number_of_characters_at_once(trained: Training) -> None:
    """Before they write, teachers read the whole warm-up, in pieces of at most POSITIONS characters."""
    pieces = []

    def read(ids: Any) -> Any:
        pieces.append(ids)
        return np.full((*ids.shape, len(trained.vocabulary)), 1 / len(trained.vocabulary))

    config = trained.run.info.config.model_copy(update={"teacher_text": WRITERS})
    written(read, config, trained.text)
    assert max(piece.size for piece in pieces) <= POSITIONS
    assert np.concatenate(pieces, axis=1).shape == (WRITERS, WARMUP)


def test_a_text_of_teachers_needs_teachers(tmp_path: Path) -> None:
    """`teacher_text` without `--teacher` is refused, and the message names the option."""
    source = tmp_path / "book.txt"
    source.write_text("abc" * 2000, encoding="utf-8")
    words = ["--corpus", str(source), "--name", "mine", "--set", "teacher_text=100"]
    words += ["--store", str(tmp_path / "store"), "--runs", str(tmp_path / "runs")]
    options = TrainOptions(**vars(make_train_parser().parse_args(words)))
    with pytest.raises(ConfigError, match="--teacher"), inputs_of_training(options):
        pass


def test_a_pupil_goes_on_and_names_its_teachers(
    tmp_path: Path, trained: Training, teachers: list[Start]
) -> None:
    """A run keeps what its teachers wrote until its publication; manifest and card name the teachers."""
    text = trained.vocabulary.decode(trained.text.ids[:5000])
    config = small_config(epochs=1, teacher_text=1000)
    pupil = Training(tmp_path / "run", text, config, teachers=teachers).fit()
    kept = [tmp_path / "run" / name for name in (WRITTEN, TARGETS)]
    made = [file.stat().st_mtime_ns for file in kept]
    pupil = Training(tmp_path / "run", text, config, teachers=teachers).fit()
    assert [file.stat().st_mtime_ns for file in kept] == made
    with pytest.raises(TrainingError, match=r"run with small@1, .*, sharp@1, .* as teachers"):
        Training(tmp_path / "run", text, config)
    store = ModelStore(tmp_path / "store")
    publish(pupil.run, "pupil", pupil.corpus, pupil.text, pupil.vocabulary, store)
    model = store.open("pupil", 1)
    assert model.manifest.teachers == tuple(teacher.parent for teacher in teachers)
    assert "| teachers | small@1, digest" in model.file("card.md").read_text()
    Run.open(tmp_path / "run").close()
    assert not any(file.exists() for file in kept)


def test_a_pupil_is_published_without_its_teachers(
    tmp_path: Path, trained: Training, teachers: list[Start]
) -> None:
    """`--publish-only` needs no teacher in the store, even where the text is encoded again."""
    text = trained.vocabulary.decode(trained.text.ids[:5000]).replace("e", "a")
    config = small_config(epochs=1)
    pupil = Training(tmp_path / "runs" / "pupil", text, config, teachers=teachers).fit()
    (pupil.run.folder / "text.json").unlink()
    store = ModelStore(tmp_path / "store")
    words = ["--corpus", str(pupil.run.folder / "small.txt"), "--name", "pupil", "--publish-only"]
    words += ["--store", str(tmp_path / "store"), "--runs", str(tmp_path / "runs")]
    assert command.main(words) == 0
    model = store.open("pupil", 1)
    assert model.manifest.teachers == tuple(teacher.parent for teacher in teachers)
    assert model.vocabulary == trained.vocabulary


def test_teachers_share_a_vocabulary(teachers: list[Start], tmp_path: Path) -> None:
    """Versions with different vocabularies are refused together."""
    publish_random_model(tmp_path)
    other = Start.at("tiny", ModelStore(tmp_path))
    assert vocabulary_of([Start(), *teachers]) == teachers[0].vocabulary
    assert vocabulary_of([Start()]) is None
    with pytest.raises(ConfigError, match="different vocabularies"):
        vocabulary_of([*teachers, other])
