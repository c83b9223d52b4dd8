"""Losses are compared only where they are over the same characters."""

from pathlib import Path
from typing import Any

import pytest

from model_store import Manifest
from tests.factories import publish_random_model
from training.publishing.measured import measured_on


def described(tmp_path: Path, characters: int = 1_000_000, **training: Any) -> Manifest:
    manifest = publish_random_model(tmp_path)
    corpus = manifest.corpus.model_copy(update={"characters": characters})
    keys = {"validation_fraction": 0.1, "validation_characters": 200_000, "min_count": 1}
    return manifest.model_copy(update={"corpus": corpus, "training": keys | training})


@pytest.mark.parametrize(
    ("changed", "equal"),
    [
        ({"units": 17}, True),
        ({"validation_characters": 100_000}, True),  # of the 100,000 held out
        ({"validation_characters": 99_999}, False),
        ({"validation_fraction": 0.2}, False),
        ({"test_fraction": 0.1}, False),
        ({"min_count": 2}, False),
        ({"texts": "lines"}, False),  # other texts are held out
        ({"characters": 999_999}, False),  # dropped symbols shorten the text
    ],
)
def test_what_changes_the_characters_measured_makes_losses_another_measure(
    tmp_path: Path, changed: dict[str, Any], equal: bool
) -> None:
    """Keys that change the measured characters make losses incomparable; other keys do not."""
    assert (
        measured_on(described(tmp_path, **changed)) == measured_on(described(tmp_path))
    ) is equal


def test_another_vocabulary_makes_other_symbols_rare(tmp_path: Path) -> None:
    """With a minimum count, two vocabularies make losses incomparable."""
    manifest = described(tmp_path, min_count=2)
    entry = manifest.files["vocabulary.json"].model_copy(update={"sha256": "ab" * 32})
    files = {**manifest.files, "vocabulary.json": entry}
    assert measured_on(manifest.model_copy(update={"files": files})) != measured_on(manifest)
