"""The best weights of a run become a whole, checked version, or nothing is published."""

import math
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from model_store import PRODUCTION, Manifest, ModelStore, Parent
from tests.factories import publish_random_model
from tests.training.small import Training
from training.config import TrainingConfig
from training.corpus.split import Split
from training.errors import ParityError
from training.frozen.runtime import stream_loss, windows_loss
from training.learning.run import Run, RunInfo
from training.options import Promote
from training.publishing.baselines import BASELINES
from training.publishing.curves import training_label
from training.publishing.protocols import further_losses
from training.publishing.publish import promote, publish
from training.publishing.report import write_card
from training.sealed import seal


def test_a_version_holds_everything(published: Path, trained: Training) -> None:
    """A version has every file of a version, and its vocabulary is the run's."""
    model = ModelStore(published).open("small", 1)
    assert {path.split("/")[0] for path in model.manifest.files} == {
        *("model.int8.onnx", "model.onnx", "saved_model", "vocabulary.json"),
        *("card.md", "curves.png", "epochs.json", "samples.txt"),
    }
    assert model.vocabulary == trained.vocabulary


def test_the_manifest_says_what_was_trained_and_how(published: Path, trained: Training) -> None:
    """The manifest has network, corpus, configuration and libraries."""
    manifest = ModelStore(published).manifest("small", 1)
    shape = manifest.architecture
    assert (shape.cell, shape.layers, shape.units, shape.embedding) == ("lstm", 1, 24, 8)
    assert manifest.vocabulary_size == len(trained.vocabulary)
    assert manifest.corpus.model_dump() == {
        "name": "small.txt",
        "sha256": trained.corpus.sha256,
        "characters": 16_000,
        "texts": None,
        "held_out_texts": None,
    }
    assert manifest.seed_text == trained.run.info.seed_text
    assert manifest.training == trained.run.info.config.model_dump()
    assert {"keras", "numpy", "onnx", "onnxruntime"} < manifest.libraries.keys()


def test_the_metrics_are_those_of_the_published_graphs(published: Path, trained: Training) -> None:
    """The losses in the manifest are the losses of the published graphs over the held-out text."""
    model = ModelStore(published).open("small", 1)
    metrics, ids = model.manifest.metrics, trained.text.validation.astype(np.int64)
    assert metrics["validation_nats"] == metrics["fp32_nats"]
    assert metrics["fp32_nats"] == pytest.approx(stream_loss(model.file("model.onnx"), ids))
    assert metrics["int8_nats"] == pytest.approx(stream_loss(model.file("model.int8.onnx"), ids))
    assert metrics["validation_bits"] == pytest.approx(metrics["validation_nats"] / math.log(2))
    assert metrics["best_epoch"] == trained.run.best.number
    assert metrics["train_nats"] == trained.run.best.train_loss


def test_windows_are_read_from_the_zero_state(published: Path, trained: Training) -> None:
    """The loss over windows is the mean over windows that are each read alone, from the zero state."""
    model = ModelStore(published).open("small", 1)
    graph, ids = model.file("model.int8.onnx"), trained.text.validation[:300].astype(np.int64)
    alone = [stream_loss(graph, ids[start : start + 257]) for start in range(300 - 256)]
    assert windows_loss(graph, ids) == pytest.approx(np.mean(alone))
    whole = trained.text.validation.astype(np.int64)
    assert model.manifest.metrics["windows_nats"] == windows_loss(graph, whole)


def test_the_test_part_is_measured_as_served(published: Path, trained: Training) -> None:
    """The test loss is the int8 graph's over the whole test part, whatever validation measures."""
    graph = ModelStore(published).open("small", 1).file("model.int8.onnx")
    text = Split(trained.text.ids, trained.text.cut, tested=2000)
    losses = further_losses(graph, text, characters=500)
    assert losses["test_nats"] == stream_loss(graph, text.ids[-2000:].astype(np.int64))
    assert "test_nats" not in further_losses(graph, trained.text, characters=500)


@pytest.fixture
def unquantisable(trained: Training, tmp_path: Path) -> Run:
    """A correct fp32 model whose int8 graph has a much higher loss.

    One unit adds a thousand times its activation to every logit. The addition changes no
    probability, but takes the whole int8 range.
    """
    folder = shutil.copytree(trained.run.folder, tmp_path / "spoiled")
    run = Run.open(folder)
    *others, output, output_bias = run.best_weights()
    output[0] += 1000
    file = folder / f"best-{run.best.number}.npz"
    np.savez(file, *others, output, output_bias)
    seal(file)
    return run


def test_a_model_that_fails_the_parity_check_is_not_published(
    trained: Training, unquantisable: Run, tmp_path: Path
) -> None:
    """A model that fails the parity check is refused with its loss, and the store stays empty."""
    root = tmp_path / "store"
    parts = (trained.corpus, trained.text, trained.vocabulary)
    with pytest.raises(ParityError, match="the int8 graph costs"):
        publish(unquantisable, "small", *parts, ModelStore(root))
    assert ModelStore(root).names() == []
    assert not root.exists()


def test_the_fp32_graph_may_be_published_alone(
    trained: Training, unquantisable: Run, tmp_path: Path
) -> None:
    """Without int8 the version has the fp32 graphs, losses of the fp32 graph, and no fingerprint."""
    store = ModelStore(tmp_path / "store")
    parts = (trained.corpus, trained.text, trained.vocabulary)
    manifest = publish(unquantisable, "small", *parts, store, int8=False)
    assert "model.onnx" in manifest.files
    assert "model.int8.onnx" not in manifest.files
    assert "int8_nats" not in manifest.metrics
    assert manifest.metrics["windows_nats"] > 0
    assert manifest.fingerprint is None


def test_curves_are_a_picture(published: Path) -> None:
    """`curves.png` is a PNG picture of a readable size."""
    data = ModelStore(published).open("small", 1).file("curves.png").read_bytes()
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = (int.from_bytes(data[start : start + 4]) for start in (16, 20))
    assert width > 600
    assert height > 400
    assert len(data) > 10_000


@pytest.mark.parametrize(
    ("teachers", "dropout", "label"),
    [
        ((), 0.0, "training"),
        ((), 0.5, "training (with dropout)"),
        (
            (Parent(name="bard", version=1, digest="0" * 64),),
            0.0,
            "training (towards the teachers)",
        ),
    ],
)
def test_the_curve_of_the_training_says_what_was_learned(
    teachers: tuple[Parent, ...], dropout: float, label: str
) -> None:
    """The legend of `curves.png` names what sets the training loss apart from the validation loss."""
    info = RunInfo(TrainingConfig(dropout=dropout), "0" * 64, "abc", "", teachers=teachers)
    assert training_label(info) == label


def test_the_card_names_the_losses(published: Path, trained: Training) -> None:
    """The card has corpus, losses in nats and bits, baselines, configuration and samples."""
    model = ModelStore(published).open("small", 1)
    card, metrics = model.file("card.md").read_text(encoding="utf-8"), model.manifest.metrics
    nats, bits = metrics["validation_nats"], metrics["validation_bits"]
    assert f"| **this model** | {nats:.4f} | {bits:.4f} |" in card
    assert f"| its int8 graph, as served | {metrics['int8_nats']:.4f} |" in card
    assert f"| … over windows of 256 characters | {metrics['windows_nats']:.4f} |" in card
    assert f"| before calibration | {metrics['uncalibrated_nats']:.4f} |" in card
    assert f"multiplied by {metrics['calibration_factor']:.4f}" in card
    for name in BASELINES:
        assert f"| {name} | {metrics[f'{name}_nats']:.4f} |" in card
    assert "16,000 characters" in card
    assert trained.corpus.sha256 in card
    assert "the last 50 % of the corpus)" in card
    for key, value in trained.run.info.config.model_dump().items():
        assert f"| {key} | {value} |" in card
    for sample in trained.run.best.samples.values():
        assert trained.run.info.seed_text + sample in card


def test_samples_show_every_epoch(published: Path, trained: Training) -> None:
    """`samples.txt` has each epoch's samples at both temperatures, after the same seed text."""
    samples = ModelStore(published).open("small", 1).file("samples.txt").read_text(encoding="utf-8")
    seed_text = trained.run.info.seed_text
    for epoch in trained.run.history:
        for temperature in ("0.5", "1.0"):
            sample = seed_text + epoch.samples[temperature]
            title = f"=== epoch {epoch.number}, temperature {temperature} ==="
            assert f"{title}\n{sample}\n" in samples


def republished(store: ModelStore, earlier: Manifest, nats: float | None, folder: Path) -> Manifest:
    """Publish a further version of a model with another validation loss in its manifest."""
    metrics = {} if nats is None else {"validation_nats": nats}
    files = shutil.copytree(Path(store.root, earlier.name, str(earlier.version)), folder)
    (files / "manifest.json").unlink()
    return store.publish(earlier.name, files, earlier.model_copy(update={"metrics": metrics}))


@pytest.mark.parametrize(
    ("policy", "served", "new", "moves"),
    [
        ("if-better", 4.0, 3.9, True),
        ("if-better", 4.0, 4.0, False),
        ("if-better", 4.0, 4.1, False),
        ("if-better", None, 4.1, True),
        ("always", 4.0, 4.1, True),
        ("never", 4.0, 3.9, False),
    ],
)
def test_production_moves_as_the_policy_says(
    tmp_path: Path, policy: Promote, served: float | None, new: float, moves: bool
) -> None:
    """`if-better` promotes a lower loss, `always` any version, `never` none."""
    store = ModelStore(tmp_path / "store")
    seed = publish_random_model(tmp_path / "store")
    first = republished(store, seed, served, tmp_path / "first")
    aliases = store.aliases(first.name)
    aliases.set(PRODUCTION, first.version)
    second = republished(store, seed, new, tmp_path / "second")
    assert promote(store, second, policy) is moves
    assert aliases.get(PRODUCTION) == (second.version if moves else first.version)


@pytest.mark.parametrize(("policy", "moves"), [("if-better", False), ("always", True)])
def test_a_model_that_loses_to_its_5_gram_is_not_promoted_by_itself(
    tmp_path: Path, policy: Promote, moves: bool
) -> None:
    """Even the first version of a name is promoted by `always` alone where its 5-gram is better."""
    store = ModelStore(tmp_path / "store")
    seed = publish_random_model(tmp_path / "store")
    metrics = seed.metrics | {"5-gram_nats": seed.metrics["validation_nats"]}
    weak = seed.model_copy(update={"metrics": metrics})
    assert promote(store, weak, policy) is moves


@pytest.mark.parametrize(("policy", "moves"), [("if-better", False), ("always", True)])
def test_losses_over_other_characters_are_not_compared(
    tmp_path: Path, policy: Promote, moves: bool
) -> None:
    """A version of another text is not promoted by its loss."""
    store = ModelStore(tmp_path / "store")
    seed = publish_random_model(tmp_path / "store")
    first = republished(store, seed, 4.0, tmp_path / "first")
    store.aliases(first.name).set(PRODUCTION, first.version)
    corpus = seed.corpus.model_copy(update={"sha256": "ab" * 32})
    other = seed.model_copy(update={"corpus": corpus})
    second = republished(store, other, 1.0, tmp_path / "second")
    assert promote(store, second, policy) is moves


@pytest.mark.parametrize(
    ("policy", "moves"), [("if-better", True), ("always", True), ("never", False)]
)
def test_an_unset_alias_is_set(tmp_path: Path, policy: Promote, moves: bool) -> None:
    """Without an alias the first version is promoted, unless the policy is `never`."""
    store = ModelStore(tmp_path)
    manifest = publish_random_model(tmp_path)
    assert promote(store, manifest, policy) is moves
    assert store.aliases(manifest.name).get(PRODUCTION) == (1 if moves else None)


def test_an_alias_of_a_lost_version_moves(tmp_path: Path) -> None:
    """If the alias names a deleted version, a new version is promoted."""
    store = ModelStore(tmp_path)
    aliases = store.aliases(publish_random_model(tmp_path).name)
    aliases.set(PRODUCTION, 1)
    second = publish_random_model(tmp_path)
    shutil.rmtree(tmp_path / second.name / "1")
    assert promote(store, second, "if-better")
    assert aliases.get(PRODUCTION) == 2


def test_a_card_owns_up_to_a_part_measured(trained: Training, tmp_path: Path) -> None:
    """The card says that only the first part of a long held-out text was measured."""
    description = replace_characters(publish_random_model(tmp_path))
    write_card("small", description, trained.run, tmp_path / "card.md")
    assert "corpus; its first 200,000 characters)" in (tmp_path / "card.md").read_text()


def replace_characters(manifest: Manifest) -> Manifest:
    """The manifest of the same model with a corpus of ten million characters."""
    corpus = manifest.corpus.model_copy(update={"characters": 10_000_000})
    metrics = manifest.metrics | {"int8_nats": 4.0}
    return manifest.model_copy(update={"corpus": corpus, "metrics": metrics})


def test_a_card_tells_the_test_text_from_the_validation_text(
    trained: Training, tmp_path: Path
) -> None:
    """The card of a version with a test part has its loss, and names both parts of the corpus."""
    manifest = publish_random_model(tmp_path)
    metrics = manifest.metrics | {"test_nats": 1.0765}
    run = Run.open(trained.run.folder)
    config = run.info.config.model_copy(update={"validation_fraction": 0.2, "test_fraction": 0.1})
    run.info = replace(run.info, config=config)
    write_card("small", manifest.model_copy(update={"metrics": metrics}), run, tmp_path / "card.md")
    card = (tmp_path / "card.md").read_text(encoding="utf-8")
    assert "| … over the test text | 1.0765 |" in card
    assert "(the 20 % of the corpus before the test text)" in card
    assert "The test text, the last 10 % of the corpus, is measured once" in card
