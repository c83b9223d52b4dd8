"""Texts in a column of records: CSV with a header line, or JSON lines."""

import csv
import json
from collections.abc import Iterator
from itertools import chain
from typing import Any

from training.errors import CorpusError, quoted

DELIMITERS = ",;\t"
NAMED = 20  # columns that an error names
ENOUGH = 20  # records that prose has not by chance


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


def seeming_record(lines: list[str]) -> dict[str, str]:
    """Return the texts of the first record by column if the lines seem to be JSON lines or CSV, else nothing.

    The last line may be cut, and does not count.
    """
    objects = [_json_value(line) for line in lines[:-1][:ENOUGH]]
    if objects and all(isinstance(each, dict) for each in objects):
        return {name: text for name, text in objects[0].items() if isinstance(text, str)}
    if len(lines) <= ENOUGH:
        return {}
    header, *rows = list(csv.reader(lines, delimiter=_delimiter(lines[0])))[:-1]
    if len(header) < 2 or len(rows) < ENOUGH or any(len(row) != len(header) for row in rows):
        return {}
    return dict(zip(header, rows[0], strict=True))


def _csv(lines: Iterator[str], column: str, file: str) -> Iterator[str]:
    header = next(lines)
    # The reader keeps line breaks within quotes only where the lines end with them.
    ended = (f"{line}\n" for line in chain([header], lines))
    records = csv.DictReader(ended, delimiter=_delimiter(header), strict=True)
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
    record = _json_value(line)
    if not isinstance(record, dict):
        raise CorpusError(f"{place} is no JSON object: repair the record")
    return record


def _json_value(line: str) -> Any:
    """Return the value of a line of JSON, or None for a line that is no JSON."""
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _delimiter(header: str) -> str:
    return max(DELIMITERS, key=header.count)


def _require(column: str, columns: Any, file: str) -> None:
    names = list(columns)
    if column not in columns:
        more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        known = ", ".join(map(quoted, names[:NAMED])) + more
        raise CorpusError(f"{file} has no column {quoted(column)}: its columns are {known}")
