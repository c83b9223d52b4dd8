"""Which characters the loss of a version is over; only losses over the same characters compare."""

from typing import Any

from model_store import Manifest, contents


def measured_on(manifest: Manifest) -> tuple[Any, ...]:
    """Return a key that is equal for two versions whose losses can be compared.

    The key holds the text and its kind, the beginning of its held-out part, the number of characters measured, and
    the symbols that are too rare to count.
    """
    values, characters = manifest.training, manifest.corpus.characters
    fraction = values.get("validation_fraction")
    held_out = characters - int(characters * (1 - fraction)) if fraction else characters
    measured = min(held_out, values.get("validation_characters", held_out))
    min_count, texts = values.get("min_count", 1), values.get("texts", "continuous")
    # Symbols outside the vocabulary are too rare, and the vocabulary may be a parent's.
    known = manifest.files[contents.VOCABULARY].sha256 if min_count > 1 else None
    return manifest.corpus.sha256, characters, texts, fraction, measured, min_count, known
