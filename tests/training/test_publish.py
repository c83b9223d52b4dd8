"""The best weights of a run become a whole, checked version, or nothing is published."""

import math
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from model_store import ModelStore
from tests.training.small import Training
from training.corpus.split import Split
from training.errors import ParityError
from training.frozen.runtime import stream_loss, windows_loss
from training.learning.run import Run
from training.publishing.protocols import further_losses
from training.publishing.publish import commit_of, publish
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


@pytest.mark.skipif(shutil.which("git") is None, reason="git is missing")
def test_the_commit_is_that_of_the_checkout_that_tracks_the_file(tmp_path: Path) -> None:
    """A file has the commit of its checkout, and none where another project's checkout lies around the file."""

    def git(*words: str) -> str:
        name = ("-c", "user.name=x", "-c", "user.email=x@x")
        command = ["git", *name, *words]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    tracked, installed = tmp_path / "tracked.py", tmp_path / "installed.py"
    for file in (tracked, installed):
        file.touch()
    assert commit_of(tracked) is None
    git("init")
    git("add", tracked.name)
    git("commit", "--message", "x")
    assert commit_of(tracked) == git("rev-parse", "HEAD")
    assert commit_of(installed) is None
