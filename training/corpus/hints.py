"""A hint on a text that is learned better in another way: a sorted list, records, or a text with markup."""

from itertools import pairwise

from model_store import Vocabulary
from training.corpus.columns import seeming_record
from training.corpus.split import Ids
from training.errors import quoted

LOOKED_AT = 100_000  # characters of the text
FEWEST_LINES = 20
SORTED = 0.95  # of neighbouring lines in a list; languages sort some letters in other ways
NAMED = 5  # columns that a hint names
MARKUP = ("<!doctype html", "<html", "<?xml")


def hint(ids: Ids, vocabulary: Vocabulary) -> str:
    """Return how ids [N] that are learned as one continuous text are learned better, or nothing.

    The first LOOKED_AT characters decide.
    """
    text = vocabulary.decode(ids[:LOOKED_AT])
    lines = [line for line in map(str.strip, text.split("\n")) if line]
    return _markup(lines) or _records(lines) or _sorted(lines)


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
