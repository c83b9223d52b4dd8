"""A version's card, curves and samples show what was learned and measured."""

from dataclasses import replace
from pathlib import Path

import pytest

from model_store import Manifest, ModelStore, Parent
from tests.factories import publish_random_model
from tests.training.small import Training
from training.config import TrainingConfig
from training.learning.run import Run, RunInfo
from training.publishing.baselines import BASELINES
from training.publishing.curves import training_label
from training.publishing.report import write_card


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


def test_samples_show_every_epoch(published: Path, trained: Training) -> None:
    """`samples.txt` has each epoch's samples at both temperatures, after the same seed text."""
    samples = ModelStore(published).open("small", 1).file("samples.txt").read_text(encoding="utf-8")
    seed_text = trained.run.info.seed_text
    for epoch in trained.run.history:
        for temperature in ("0.5", "1.0"):
            sample = seed_text + epoch.samples[temperature]
            title = f"=== epoch {epoch.number}, temperature {temperature} ==="
            assert f"{title}\n{sample}\n" in samples
