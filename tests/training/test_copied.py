"""How much of what a model writes stands in its corpus is measured, and said in words."""

from dataclasses import replace
from pathlib import Path

import pytest

from model_store import ModelStore
from tests.training.small import Training
from training.learning.epochs import Epoch
from training.publishing.copied import by_heart_from, copied
from training.publishing.copies_section import copies_section


def test_a_text_in_its_own_corpus_is_a_copy(published: Path, trained: Training) -> None:
    """Held-out text that also stands in the training text is copied whole."""
    graph = ModelStore(published).open("small", 1).file("model.int8.onnx")
    text, seed_text = trained.text, trained.run.info.seed_text
    within = replace(text, ids=text.ids[: text.cut + 4000], cut=text.cut)
    repeated = replace(within, ids=within.ids.copy())
    repeated.ids[within.cut :] = within.ids[:4000]
    found = copied(graph, repeated, trained.vocabulary, seed_text)
    assert found["copied_longest_held_out"] == 2000
    assert found["copied_20_held_out"] == found["copied_50_held_out"] == 1


def test_the_figures_stand_in_manifest_and_card(published: Path) -> None:
    """The manifest has the figures of samples and of held-out text, and the card shows the figures."""
    model = ModelStore(published).open("small", 1)
    metrics, card = model.manifest.metrics, model.file("card.md").read_text(encoding="utf-8")
    for group, name in (("0.5", "samples at 0.5"), ("held_out", "held-out text")):
        assert 2 <= metrics[f"copied_longest_{group}"] < 2000
        assert 0 <= metrics[f"copied_50_{group}"] <= metrics[f"copied_20_{group}"] < 1
        assert f"| {name} | {metrics[f'copied_longest_{group}']:.0f} | " in card
    assert "copied_texts_0.5" not in metrics
    assert "Of the whole texts" not in card


def epochs(*losses: tuple[float, float]) -> list[Epoch]:
    return [Epoch(number, *each, {}) for number, each in enumerate(losses, 1)]


@pytest.mark.parametrize(
    ("losses", "by_heart"),
    [
        ([(2.0, 2.1), (1.5, 1.9), (1.0, 2.2)], 3),
        ([(2.0, 2.1), (1.5, 1.9), (1.0, 1.903)], None),  # a rise that may be chance
        ([(2.0, 2.1), (1.5, 1.9), (1.0, 1.8)], None),
        ([(2.0, 1.5), (2.5, 1.9)], None),  # the training diverged
        ([(2.0, 2.1)], None),
    ],
)
def test_the_epoch_of_learning_by_heart(
    losses: list[tuple[float, float]], by_heart: int | None
) -> None:
    """A training learns by heart where the validation loss rises while the training loss falls."""
    assert by_heart_from(epochs(*losses)) == by_heart


FIGURES = {
    f"copied_{what}_{group}": 0.0123
    for what in ("20", "50")
    for group in ("0.5", "1.0", "held_out")
} | {f"copied_longest_{group}": 41.0 for group in ("0.5", "1.0", "held_out")}


def test_the_section_says_the_epoch_and_the_whole_texts() -> None:
    """The section has the epoch of learning by heart, and for short texts the share of copied texts."""
    more = {"by_heart_from": 12.0, "best_epoch": 11.0}
    texts = {"copied_texts_0.5": 0.5, "copied_texts_1.0": 0.25}
    said = copies_section(FIGURES | more | texts)
    assert "| samples at 0.5 | 41 | 1.23% | 1.23% |" in said
    assert "learns by heart from epoch 12 on" in said
    assert "50.0% at 0.5 and 25.0% at 1.0 stand in the corpus" in said


def test_an_early_version_has_no_section() -> None:
    """A version without the figures has no section about copies."""
    assert copies_section({"validation_nats": 1.0}) == ""
