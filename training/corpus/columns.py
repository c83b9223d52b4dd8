"""Texts in a column of records: CSV with a header line, or JSON lines."""

import csv
import json
from collections.abc import Iterator
from itertools import chain
from typing import Any

from training.errors import CorpusError, quoted

DELIMITERS = ",;\t"
NAMED = 20  # columns that an error names


def column_of(lines: Iterator[str], column: str, file: str) -> Iterator[str]:
    """Yield the texts of a column; a record without a value there has none.

    JSON lines begin with a brace; other files are CSV, whose header decides between comma, semicolon
    and tab.

    Raises:
        CorpusError: the column does not exist, the file is a JSON array, or a record cannot be read; the
            message names the line.
    """
    first = next(lines, "")
    if first.lstrip().startswith("["):
        raise CorpusError(
            f"{file} is a JSON array: give an object on each line, as `jq -c '.[]'` writes them"
        )
    read = _json_lines if first.lstrip().startswith("{") else _csv
    return read(chain([first], lines), column, file)


def _csv(lines: Iterator[str], column: str, file: str) -> Iterator[str]:
    header = next(lines)
    delimiter = max(DELIMITERS, key=header.count)
    # The reader keeps line breaks within quotes only where the lines end with them.
    ended = (f"{line}\n" for line in chain([header], lines))
    records = csv.DictReader(ended, delimiter=delimiter, strict=True)
    try:
        _require(column, records.fieldnames or (), file)
        for record in records:
            yield record[column] or ""
    except csv.Error as error:
        # The reader counts a line once the line is read without an error.
        place = f"{file}, line {records.line_num + 1}"
        raise CorpusError(f"{place}: {error}: repair the record") from None


def _json_lines(lines: Iterator[str], column: str, file: str) -> Iterator[str]:
    shown: dict[str, Any] = {}  # the first record, or one that has the column
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        record = _json_object(line, f"{file}, line {number}")
        if column in record or not shown:
            shown = record
        text = record.get(column)
        if not isinstance(text, str | None):
            raise CorpusError(
                f"{file}, line {number}: {quoted(column)} is no text: name another column"
            )
        yield text or ""
    _require(column, shown, file)


def _json_object(line: str, place: str) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        record = None
    if not isinstance(record, dict):
        raise CorpusError(f"{place} is no JSON object: repair the record")
    return record


def _require(column: str, columns: Any, file: str) -> None:
    names = list(columns)
    if column not in columns:
        more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        known = ", ".join(map(quoted, names[:NAMED])) + more
        raise CorpusError(f"{file} has no column {quoted(column)}: its columns are {known}")
