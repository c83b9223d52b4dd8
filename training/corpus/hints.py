"""A hint on a text that is learned better in another way: a list, records, markup, or an end of another kind."""

from itertools import pairwise

import numpy as np

from model_store import Vocabulary
from training.corpus.columns import seeming_record
from training.corpus.split import Split
from training.errors import quoted

LOOKED_AT = 100_000  # characters of the text
FEWEST_LINES = 20
SORTED = 0.95  # of neighbouring lines in a list; languages sort some letters in other ways
NAMED = 5  # columns that a hint names
PARTS = 9  # of the training text, which the held-out text is compared with
MEASURED = 1_000_000  # characters of a part
# The end had at most 3.5 times the median in eight texts, and at least 12 times in four with an end of another kind.
FAR, FARTHER = 0.05, 5.0  # nats, and times the median of the other parts
MARKUP = ("<!doctype html", "<html", "<?xml")


def hint(text: Split, vocabulary: Vocabulary) -> str:
    """Return how one continuous text is learned better, or nothing."""
    beginning = vocabulary.decode(text.ids[:LOOKED_AT])
    lines = [line for line in map(str.strip, beginning.split("\n")) if line]
    return _markup(lines) or _records(lines) or _sorted(lines) or _ends_otherwise(text, vocabulary)


def _sorted(lines: list[str]) -> str:
    pairs = list(pairwise(map(str.casefold, lines)))
    in_order = sum(first <= second for first, second in pairs)
    if len(pairs) < FEWEST_LINES or in_order < SORTED * len(pairs):
        return ""
    return "the lines are in alphabetical order: a list is learned line by line with --texts lines"


def _records(lines: list[str]) -> str:
    record = seeming_record(lines)
    if not record:
        return ""
    names = sorted(record, key=lambda name: len(record[name]), reverse=True)[:NAMED]
    return (
        "the lines are records: the texts of one column are learned with --texts column:NAME, "
        f"here {', '.join(map(quoted, names))}"
    )


def _markup(lines: list[str]) -> str:
    if not lines or not lines[0].casefold().startswith(MARKUP):
        return ""
    return (
        "the text is HTML or XML, whose tags are learned too: give the text alone, "
        "as `pandoc --to plain` writes it"
    )


def _ends_otherwise(text: Split, vocabulary: Vocabulary) -> str:
    """Compare the divergence of the held-out text from all other text with that of parts of the training text.

    The divergence is that of Kullback and Leibler (1951) between the shares of the symbols.
    """
    size = min(len(text.validation), len(text.train) // PARTS, MEASURED)
    begins = np.linspace(0, len(text.train) - size, PARTS, dtype=int)
    parts = [text.train[begin : begin + size] for begin in begins] + [text.validation[:size]]
    counts = np.stack([np.bincount(part, minlength=len(vocabulary)) for part in parts])  # [P, V]
    shares = counts / size
    others = (counts.sum(axis=0) - counts) / (size * PARTS)
    # A symbol that one part alone has would be infinitely far, and 0 log 0 is 0.
    ratios = np.maximum(shares, 1e-12) / (others + 1e-6)
    *trained, held_out = np.sum(shares * np.log(ratios), axis=1)
    if held_out < max(FAR, FARTHER * float(np.median(trained))):
        return ""
    return (
        "the end of the text, which is held out, has other characters than the rest: leave out an index "
        "or an appendix, or let files of different kinds alternate"
    )
