"""Which characters a version's loss is over; losses over others say nothing about it."""

from typing import Any

from model_store import Manifest


def measured_on(manifest: Manifest) -> tuple[Any, ...]:
    """Return what is equal for two versions whose losses can be compared.

    That is the text, where its held-out part begins, how much of it was measured, and which symbols
    are too rare to count.
    """
    values, characters = manifest.training, manifest.corpus.characters
    fraction = values.get("validation_fraction")
    held_out = characters - int(characters * (1 - fraction)) if fraction else characters
    measured = min(held_out, values.get("validation_characters", held_out))
    return manifest.corpus.sha256, characters, fraction, measured, values.get("min_count", 1)
