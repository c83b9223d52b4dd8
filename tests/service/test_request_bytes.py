"""A request is read as RFC 9112 says, however its bytes arrive; a malformed one has its status at once."""

import json
from typing import Any

import pytest

from service.http.server.incoming import MAX_BODY
from tests.servers import Service
from tests.service.raw import (
    BODY,
    CHUNKED,
    GET,
    POST,
    chunked,
    connect,
    exchange,
    received,
    received_first,
)


def test_a_request_may_arrive_byte_by_byte(service: Service) -> None:
    """A slow request within the deadline is answered, and so is the one sent right behind it."""
    with connect(service) as connection:
        for byte in POST + CHUNKED + chunked(BODY, 7):
            connection.sendall(bytes([byte]))
        assert len(received(connection).json["text"]) == 20
        connection.sendall(GET + b"\r\n" + GET + b"\r\n")
        assert [received_first(connection) for _ in range(2)] == [{"status": "alive"}] * 2


@pytest.mark.parametrize("size", [1, 1000])
def test_a_chunked_body(service: Service, size: int) -> None:
    """A chunked body is read like one with a length."""
    answer = exchange(service, POST + CHUNKED + chunked(BODY, size))
    assert answer.json["text"] == service.generate(seed="abc", length=20).json["text"]


@pytest.mark.parametrize("head", [POST, GET])
def test_malformed_chunks(service: Service, head: bytes) -> None:
    """A malformed chunked body is a 400, on whatever route."""
    answer = exchange(service, head + CHUNKED + b"zz\r\nhello\r\n")
    assert (answer.status, answer.json["code"]) == (400, "bad_request")
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("size", [1, 1_000, 2 * MAX_BODY])
def test_a_chunked_body_over_the_limit(service: Service, size: int) -> None:
    """Two megabytes in chunks of any size are a 413."""
    answer = exchange(service, POST + CHUNKED + chunked(b" " * 2 * MAX_BODY, size))
    assert (answer.status, answer.json["code"]) == (413, "request_entity_too_large")


def test_a_body_over_the_limit_is_not_invited(service: Service) -> None:
    """`Expect: 100-continue` with too large a length is refused before the body is sent."""
    expecting = POST + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n"
    with connect(service) as connection:
        connection.sendall(expecting % (MAX_BODY + 1))
        assert connection.recv(12) == b"HTTP/1.1 413"
    with connect(service) as connection:
        connection.sendall(expecting % len(BODY))
        assert connection.recv(25) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(BODY)
        assert received(connection).status == 200


@pytest.mark.parametrize("fields", [{}, {"stream": True}, {"length": 3_000}], ids=str)
def test_a_half_closed_client_gets_its_whole_answer(
    service: Service, fields: dict[str, Any]
) -> None:
    """A client that ends its sending after the request receives the answer to the last byte."""
    body = json.dumps({"seed": "abc", "length": 2_000, "random_seed": 9} | fields).encode()
    head = POST + b"Cache-Control: no-store\r\nContent-Length: %d\r\n\r\n" % len(body)
    answer = exchange(service, head + body, half_close=True)
    assert answer.status == 200
    assert b"finish_reason" in answer.body


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /healthz HTTP/1.1\r\n\r\n", 400),
        (b"GET /healthz HTTP/1.0\r\n\r\n", 200),
        (b"\r\n\r\n" + GET + b"\r\n", 200),
        (b"\n" + GET + b"\r\n", 400),
        (b"GET /healthz HTTP/1.1\nHost: x\n\n", 400),
        (b"GET /" + b"a" * 5_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
        (GET + b"A: b\r\n" * 100 + b"\r\n", 431),
        (GET + b"A: " + b"b" * 1_000_000, 431),
        (GET + b"Expect: the best\r\n\r\n", 417),
        (GET + b"Transfer-Encoding: brotli\r\n\r\n", 501),
        (GET + b"Content-Length: 1\r\n" + CHUNKED + b"0\r\n\r\n", 400),
        (GET + b"Content-Length: -1\r\n\r\n", 400),
    ],
    ids=lambda value: str(value)[:50],
)
def test_the_head_of_a_request(service: Service, request_: bytes, status: int) -> None:
    """A malformed head, or one over a limit, has its status at once, in a small document."""
    answer = exchange(service, request_)
    assert answer.status == status
    assert len(answer.body) < 4_000


def test_a_client_that_speaks_tls(service: Service) -> None:
    """The first bytes of TLS, as of a browser that tries https:// first, are refused with the remedy."""
    answer = exchange(service, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
    assert answer.status == 400
    assert "http://" in answer.json["detail"]


def test_an_empty_line_after_a_body(service: Service) -> None:
    """A client that ends a body with a line end too many has its next request answered."""
    with connect(service) as connection:
        connection.sendall(POST + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY + b"\r\n")
        assert len(received_first(connection)["text"]) == 20
        connection.sendall(GET + b"\r\n")
        assert received_first(connection) == {"status": "alive"}


@pytest.mark.parametrize("name", ["SCRIPT_NAME", "SCRIPT-NAME", "PATH_INFO"])
def test_no_header_changes_the_route(service: Service, name: str) -> None:
    """A client's header does not change which route answers."""
    answer = service.request("GET", "/healthz", headers={name: "/healthz"})
    assert (answer.status, answer.json) == (200, {"status": "alive"})
