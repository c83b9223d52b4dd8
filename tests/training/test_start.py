"""Fine-tuning: a training starts from a published version."""

import shlex
import shutil
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import training.__main__ as command
from model_store import BUNDLED, Manifest, ModelNotFound, ModelStore, Parent
from tests.factories import publish_random_model, random_weights
from tests.training.small import ENGLISH, Training, small_config, small_options
from training.errors import TrainingError
from training.frozen.graph import step_graph
from training.frozen.start import Start
from training.frozen.weights import load_weights
from training.learning.evaluate import validation_loss
from training.network.model import build_model
from training.publishing.publish import publish

pytestmark = pytest.mark.slow

WORDS = [
    "the",
    "cat",
    "dog",
    "bird",
    "fish",
    "sat",
    "ran",
    "flew",
    "swam",
    "on",
    "under",
    "over",
    "a",
    "tree",
    "sea",
    "house",
]


def verses(lines: int) -> str:
    """A text of few words, unlike the parent's text but with its letters."""
    rng = np.random.default_rng(3)
    return "".join(" ".join(rng.choice(WORDS, 6)) + ".\n" for _ in range(lines))


VERSES = verses(400)
SHAPE: dict[str, Any] = {"units": 48, "batch_size": 8}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> ModelStore:
    """A store with `elder`, a version trained on English."""
    folder = tmp_path_factory.mktemp("elder")
    made = Training(folder / "run", ENGLISH[:20_000], small_config(epochs=3, **SHAPE)).fit()
    store = ModelStore(folder / "store")
    publish(made.run, "elder", made.corpus, made.text, made.vocabulary, store)
    return store


def tuned(folder: Path, start: Start, **changes: Any) -> Training:
    """A training on the verses from a start."""
    config = small_config(**SHAPE, **changes)
    return Training(folder, VERSES, config, start).fit()


@pytest.fixture(scope="module")
def child(store: ModelStore, tmp_path_factory: pytest.TempPathFactory) -> Training:
    """A child of `elder`, to read only."""
    return tuned(tmp_path_factory.mktemp("child"), Start.at("elder@1", store))


def loss_before(start: Start, training: Training) -> float:
    """The loss of the parent version over the held-out verses."""
    config, weights = training.run.info.config, start.weights()
    assert weights
    model = build_model(config, len(training.vocabulary), "float32")
    load_weights(model, weights)
    return validation_loss(model, config, training.text)


def test_a_version_learns_a_second_text(tmp_path: Path, store: ModelStore) -> None:
    """A dozen steps of fine-tuning beat the parent and a training from random weights."""
    start, short = Start.at("elder", store), {"epochs": 1, "max_steps_per_epoch": 12}
    child = tuned(tmp_path / "child", start, **short)
    from_nothing = tuned(tmp_path / "nothing", Start(), **short)
    reached = child.run.best.validation_loss
    assert reached < loss_before(start, child) - 0.7
    assert reached < from_nothing.run.best.validation_loss - 0.3


def test_the_child_names_its_parent(tmp_path: Path, store: ModelStore, child: Training) -> None:
    """Manifest and card name the parent; the child has the parent's vocabulary and network."""
    to = ModelStore(tmp_path / "store")
    publish(child.run, "child", child.corpus, child.text, child.vocabulary, to)
    elder, model = store.open("elder", 1), to.open("child", 1)
    parent = Parent(name="elder", version=1, digest=elder.manifest.digest)
    assert model.manifest.parent == parent
    assert model.vocabulary == elder.vocabulary
    assert model.manifest.architecture == elder.manifest.architecture
    assert f"| parent | elder@1, digest {parent.digest} |" in model.file("card.md").read_text()


def test_an_interrupted_child_goes_on(tmp_path: Path, store: ModelStore, child: Training) -> None:
    """An interrupted fine-tuning continues from its checkpoint and ends with the same weights."""
    start, whole = Start.at("elder", store), child.run
    # As if killed after the first epoch: the checkpoint of a longer training of the same steps.
    half = Training(tmp_path / "half", VERSES, small_config(**SHAPE), start)
    record, recorded = half.run.save, []

    def killed(arrays: Any) -> None:
        record(arrays)
        recorded.append(arrays)
        raise KeyboardInterrupt

    half.run.save = killed  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        half.fit()
    assert len(recorded) == 1
    again = tuned(tmp_path / "half", start).run
    assert again.epochs == whole.epochs
    for found, expected in zip(again.best_weights(), whole.best_weights(), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_an_unfinished_child_of_another_is_refused(tmp_path: Path, child: Training) -> None:
    """A run that started from a version does not continue with another start."""
    assert child.run.checkpoint()
    folder = shutil.copytree(child.run.folder, tmp_path / "run")
    with pytest.raises(TrainingError, match=r"run with elder@1, digest .* to begin with"):
        Training(folder, VERSES, child.run.info.config)


def test_a_parent_far_from_the_text_is_no_explosion(tmp_path: Path) -> None:
    """A starting loss above the explosion limit does not end the training."""
    weights = random_weights(units=48)
    far = step_graph(replace(weights, output=10 * weights.output), int8=True)
    publish_random_model(tmp_path / "store", units=48, graph=far.SerializeToString())
    start = Start.at("tiny", ModelStore(tmp_path / "store"))
    child = tuned(tmp_path / "run", start, unknown="drop")
    before = loss_before(start, child)
    assert before > 2 * np.log(len(child.vocabulary))
    assert child.run.best.validation_loss < before - 1


def version(start: Start) -> Manifest:
    assert start.version
    return start.version.manifest


def test_bundled_versions_stand_in(tmp_path: Path) -> None:
    """A name that the store lacks is looked up among the bundled versions."""
    store = ModelStore(tmp_path)
    here = ModelStore(BUNDLED)
    bundled = here.manifest(*here.resolve("shakespeare"))
    assert version(Start.at("shakespeare", store)) == bundled
    made = publish_random_model(tmp_path, "shakespeare")
    assert version(Start.at("shakespeare", store)) == made
    with pytest.raises(ModelNotFound):
        Start.at("absent", store)


def test_network_and_vocabulary_are_settled(tmp_path: Path) -> None:
    """A version settles the keys that its weights depend on; no version settles no key."""
    publish_random_model(tmp_path, layers=2, cell="gru")
    assert Start.at("tiny", ModelStore(tmp_path)).settled == {
        "cell": "gru",
        "layers": 2,
        "units": 32,
        "embedding": 8,
        "min_count": 1,
    }
    assert Start().settled == {}


def small(*more: str) -> list[str]:
    """The options of the small training without the keys that the parent settles."""
    words = small_options()
    pairs = list(zip(words[::2], words[1::2], strict=True))
    kept = [pair for pair in pairs if pair[1].split("=")[0] not in {"units", "embedding"}]
    return [word for pair in kept for word in pair] + list(more)


def job(folder: Path, store: ModelStore, *more: str) -> list[str]:
    """The command line that fine-tunes `elder` on a text in the folder."""
    places = ["--store", str(store.root), "--runs", str(folder / "runs")]
    words = ["--from", "elder", "--corpus", str(folder / "verses.txt"), "--name", "child"]
    return [*words, *places, *small(*more)]


def test_one_command_fine_tunes(
    tmp_path: Path,
    store: ModelStore,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """New symbols are refused, or dropped on request; after Ctrl-C the named command publishes."""
    (tmp_path / "verses.txt").write_text(f"{VERSES}ßßß", encoding="utf-8")
    assert command.main(job(tmp_path, store)) == 2
    assert "has 1 symbols (3 characters)" in capsys.readouterr().err
    assert command.main(job(tmp_path, store, "--set", "units=50")) == 2
    assert "units is 48 in the version to start from" in capsys.readouterr().err

    with monkeypatch.context() as patch:
        patch.setattr("training.job.publish", lambda *_, **__: signal.raise_signal(signal.SIGINT))
        assert command.main(job(tmp_path, store, "--unknown", "drop")) == 130
    printed = capsys.readouterr()
    assert "before training: validation" in printed.out
    _, _, _, *words = shlex.split(printed.err.splitlines()[-1])
    assert command.main(words) == 0
    manifest = store.manifest("child", 1)
    assert manifest.parent == Start.at("elder", store).parent
    assert manifest.training["unknown"] == "drop"
    assert manifest.corpus.characters == len(VERSES)
