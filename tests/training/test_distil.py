"""Distillation: a training learns the probabilities of published versions."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from model_store import ModelDescription, ModelStore, contents
from tests.factories import publish_random_model, write_graph
from tests.training.small import Training, small_config
from training.errors import ConfigError, TrainingError
from training.frozen.runtime import stream_logits
from training.frozen.start import Start
from training.inputs import vocabulary_of
from training.learning.distil import Distributions, soft_targets
from training.learning.evaluate import WARMUP
from training.learning.run import TARGETS, Run
from training.learning.trainer import Trainer
from training.publishing.publish import publish


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


def targets(folder: Path, made: Training, teachers: list[Start], share: float) -> Distributions:
    return soft_targets(teachers, share, made.text, made.vocabulary, folder / f"{share}.npy")


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


def test_a_pupil_goes_on_and_names_its_teachers(
    tmp_path: Path, trained: Training, teachers: list[Start]
) -> None:
    """A run with teachers keeps the targets until its publication; manifest and card name the teachers."""
    text = trained.vocabulary.decode(trained.text.ids[:5000])
    pupil = Training(tmp_path / "run", text, small_config(epochs=1), teachers=teachers).fit()
    kept = tmp_path / "run" / TARGETS
    made = kept.stat().st_mtime_ns
    pupil = Training(tmp_path / "run", text, small_config(epochs=1), teachers=teachers).fit()
    assert kept.stat().st_mtime_ns == made
    with pytest.raises(TrainingError, match=r"run with small@1, .*, sharp@1, .* as teachers"):
        Training(tmp_path / "run", text, small_config(epochs=1))
    store = ModelStore(tmp_path / "store")
    publish(pupil.run, "pupil", pupil.corpus, pupil.text, pupil.vocabulary, store)
    model = store.open("pupil", 1)
    assert model.manifest.teachers == tuple(teacher.parent for teacher in teachers)
    assert "| teachers | small@1, digest" in model.file("card.md").read_text()
    Run.open(tmp_path / "run").close()
    assert not kept.exists()


def test_teachers_share_a_vocabulary(teachers: list[Start], tmp_path: Path) -> None:
    """Versions with different vocabularies are refused together."""
    publish_random_model(tmp_path)
    other = Start.at("tiny", ModelStore(tmp_path))
    assert vocabulary_of([Start(), *teachers]) == teachers[0].vocabulary
    assert vocabulary_of([Start()]) is None
    with pytest.raises(ConfigError, match="different vocabularies"):
        vocabulary_of([*teachers, other])
