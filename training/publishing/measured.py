"""Which characters a version's loss is over; losses over others say nothing about it."""

from typing import Any

from model_store import Manifest, contents


def measured_on(manifest: Manifest) -> tuple[Any, ...]:
    """Return what is equal for two versions whose losses can be compared.

    That is the text, where its held-out part begins, how much of it was measured, and which symbols
    are too rare to count.
    """
    values, characters = manifest.training, manifest.corpus.characters
    fraction = values.get("validation_fraction")
    held_out = characters - int(characters * (1 - fraction)) if fraction else characters
    measured = min(held_out, values.get("validation_characters", held_out))
    min_count = values.get("min_count", 1)
    # Which symbols are too rare is the vocabulary's to say, and that may be a parent's.
    known = manifest.files[contents.VOCABULARY].sha256 if min_count > 1 else None
    return manifest.corpus.sha256, characters, fraction, measured, min_count, known
