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

STATUS: dict[type[Exception], int] = {
    TimeoutError: 408,
    LimitRequestLine: 414,
    ExpectationFailed: 417,
    LimitRequestHeaders: 431,
    UnsupportedTransferCoding: 501,
}


def refusal(error: Exception) -> bytes:
    """Return the whole response to a malformed, too large or late request: a problem document."""
    status = STATUS.get(type(error), 400)
    body = dumps(problem(status, code_of(status), str(error))).encode()
    head = (
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\nConnection: close\r\n"
        f"Content-Type: {PROBLEM}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
