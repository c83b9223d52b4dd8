"""Which characters the loss of a version is over; only losses over the same characters compare."""

from typing import Any

from model_store import Manifest, contents
from training.corpus.split import sizes


def measured_on(manifest: Manifest) -> tuple[Any, ...]:
    """Return a key that is equal for two versions whose losses can be compared.

    The key holds the text and its kind, the bounds of its held-out part, the number of characters measured, and
    the symbols that are too rare to count.
    """
    values, characters = manifest.training, manifest.corpus.characters
    fraction, tested = values.get("validation_fraction"), values.get("test_fraction", 0.0)
    held_out = characters - sum(sizes(characters, fraction, tested)) if fraction else characters
    measured = min(held_out, values.get("validation_characters", held_out))
    min_count, texts = values.get("min_count", 1), values.get("texts", "continuous")
    # Symbols outside the vocabulary are too rare, and the vocabulary may be a parent's.
    known = manifest.files[contents.VOCABULARY].sha256 if min_count > 1 else None
    fractions = fraction, tested
    return manifest.corpus.sha256, characters, texts, fractions, measured, min_count, known
