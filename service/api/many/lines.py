"""`POST /batch`: requests for texts as JSON lines, and answers as JSON lines with an index."""

import json
from typing import Any

from service.api.parsing import parse
from service.api.schemas import GenerateRequest
from service.errors import FieldProblem, InvalidRequest

MAX_LINES = 10_000  # of a batch; even wrong lines take the interpreter for seconds


def lines_of(body: bytes) -> list[tuple[int, bytes]]:
    """Return (index, line) of each line that is not blank; the index counts every line from 0.

    Raises:
        InvalidRequest: there are too many lines.
    """
    lines = [(index, line) for index, line in enumerate(body.split(b"\n")) if line.strip()]
    if len(lines) > MAX_LINES:
        message = f"{len(lines)} lines are over the limit of {MAX_LINES}; send several batches"
        raise InvalidRequest([FieldProblem("body", message)])
    return lines


def parse_line(line: bytes) -> GenerateRequest:
    """Read the request of a line.

    Raises:
        MalformedJson: the line is not JSON.
        InvalidRequest: fields are wrong, each named, or do not belong into a line.
    """
    request = parse(GenerateRequest, line)
    problems = [
        FieldProblem(field, f"a line has one whole text; leave out {field}")
        for field in ("stream", "count")
        if getattr(request, field)
    ]
    if problems:
        raise InvalidRequest(problems)
    return request


def answer_line(index: int, answer: bytes) -> bytes:
    """Return the line of an answer, given as a JSON object with at least one member."""
    return b'{"index":%d,%b\n' % (index, answer[1:])


def error_line(index: int, problem: dict[str, Any]) -> bytes:
    """Return the line of a line that failed, with its problem document."""
    return answer_line(index, json.dumps({"error": problem}).encode())
