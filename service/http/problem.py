"""The problem document of an error (RFC 9457), of bounded size."""

from http import HTTPStatus
from typing import Any

from service.errors import shortened

MAX_DETAIL = 2_000  # bytes of JSON
TITLES = {499: "Client Closed Request"}  # nginx's status; `HTTPStatus` has no phrase


def problem(status: int, code: str, detail: str) -> dict[str, Any]:
    """Return the problem document; a long detail is shortened."""
    return {
        "type": "about:blank",
        "title": TITLES.get(status) or HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": shortened(detail, MAX_DETAIL),
    }


def code_of(status: int) -> str:
    """Return the code of an error that has none of its own: the phrase of its status."""
    return HTTPStatus(status).name.lower()
