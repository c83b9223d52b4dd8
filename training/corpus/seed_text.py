"""A seed text to try a model with, from the held-out part of its corpus."""

from model_store import Vocabulary
from training.corpus.split import Split

LONGEST = 25  # characters, as many as the lecture's window
SEARCHED = 2000  # characters in which a line is looked for


def seed_text_of(text: Split, vocabulary: Vocabulary) -> str:
    """Return the first half of a short text, or the beginning of the first whole line."""
    held_out = vocabulary.decode(text.validation[:SEARCHED])
    if text.text_end is not None:
        first = held_out.split(vocabulary.text_end)[1]
        return first[: min(LONGEST, (len(first) + 1) // 2)]
    lines = filter(str.strip, held_out.split("\n")[1:])
    return next(lines, held_out)[:LONGEST]
