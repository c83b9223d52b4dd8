"""The responses of the server itself, to requests that no route sees."""

from http import HTTPStatus
from json import dumps

from gunicorn.http.errors import (
    ExpectationFailed,
    LimitRequestHeaders,
    LimitRequestLine,
    UnsupportedTransferCoding,
)

from service.http.media_types import PROBLEM
from service.http.problem import code_of, problem


class TooManyConnections(Exception):
    """All connections that one address may have are waiting for answers."""


STATUS: dict[type[Exception], int] = {
    TimeoutError: 408,
    LimitRequestLine: 414,
    ExpectationFailed: 417,
    TooManyConnections: 429,
    LimitRequestHeaders: 431,
    UnsupportedTransferCoding: 501,
}


def refusal(error: Exception) -> bytes:
    """Return the whole response to a malformed, too large or late request: a problem document."""
    status = STATUS.get(type(error), 400)
    body = dumps(problem(status, code_of(status), str(error))).encode()
    retry = "Retry-After: 1\r\n" if status == 429 else ""
    head = (
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\nConnection: close\r\n{retry}"
        f"Content-Type: {PROBLEM}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
