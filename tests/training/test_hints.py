"""Hints on texts that are learned better in another way."""

import csv
import io
import json
import re

import pytest

from model_store import Vocabulary
from tests.training.names import town_names
from tests.training.small import ENGLISH
from training.corpus.hints import hint
from training.corpus.split import Split

NAMES = town_names(200)
PROSE = ["It was a fine morning, and nobody said so.", "", "The sea, the sky, the gulls: all blue."]
RECORDS = [
    {"id": f"{number}", "title": "One", "text": f'A "text", of\nline {number}.'}
    for number in range(30)
]
LIST = "the lines are in alphabetical order: .* with --texts lines"
COLUMN = "the lines are records: .* with --texts column:NAME, here 'text', 'title', 'id'"
END = "the end of the text, which is held out, has other characters than the rest: .*"
INDEX = "\n".join(
    f"{name.upper()}, {number}, {number + 7}" for number, name in enumerate(NAMES * 9)
)
MARKUP = "the text is HTML or XML, .* `pandoc --to plain` writes it"


def csv_of(records: list[dict[str, str]], delimiter: str) -> str:
    """Return records as CSV with a header line."""
    file = io.StringIO()
    writer = csv.DictWriter(file, list(records[0]), delimiter=delimiter, lineterminator="\n")
    writer.writeheader()
    writer.writerows(records)
    return file.getvalue()


def hint_on(text: str) -> str:
    """Return the hint on a text."""
    vocabulary = Vocabulary.from_text(text)
    return hint(Split(vocabulary.encode(text), cut=len(text) * 9 // 10), vocabulary)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\n".join(sorted(NAMES)), LIST),
        ("\n".join([*sorted(NAMES), "aa"]), LIST),
        ("\n".join(map(json.dumps, RECORDS)), COLUMN),
        ("\n".join(map(json.dumps, RECORDS * 100)), COLUMN),
        (csv_of(RECORDS, ","), COLUMN),
        (csv_of(RECORDS * 100, ";"), COLUMN),
        (csv_of(RECORDS, "\t"), COLUMN),
        ("\n<!DOCTYPE html>\n<html><p>A page</p></html>", MARKUP),
        ('<html lang="de"><p>A page</p></html>', MARKUP),
        ('<?xml version="1.0"?><TEI/>', MARKUP),
        (ENGLISH[:200_000] + INDEX, END),
    ],
)
def test_a_text_that_is_learned_better_in_another_way_is_noticed(text: str, expected: str) -> None:
    """A list in alphabetical order but for a few lines, records, markup and an index at the end have a hint."""
    assert re.fullmatch(expected, hint_on(text))


@pytest.mark.parametrize(
    "text",
    [
        "\n".join(PROSE * 20),
        ENGLISH,
        INDEX + ENGLISH[:400_000],
        "\n".join(sorted(NAMES, reverse=True)),
        "\n".join(NAMES[:10] + sorted(NAMES)[:10]),
        "\n".join(sorted(NAMES)[:10]),
        "\n".join(map(json.dumps, range(30, 0, -1))),
        csv_of(RECORDS[:10], ","),
        "\n".join(['a, "quotation', *PROSE * 20]),
        "1 < 2\n<html> is a tag",
        "[" * 100_000,
        " \n" * 100,
    ],
)
def test_other_texts_get_no_hint(text: str) -> None:
    """Prose, short lists, a few records, and texts that only resemble records have none."""
    assert hint_on(text) == ""


def test_a_hint_is_of_bounded_size() -> None:
    """Of many columns with long names a hint shows a few, cut."""
    record = {f"{number}{'n' * 1000}": "text" for number in range(50)}
    assert 100 < len(hint_on("\n".join([json.dumps(record)] * 2))) < 600
