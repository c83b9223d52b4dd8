"""Requests are taken whole out of the bytes of a connection, however the bytes arrive."""

import pytest
from gunicorn.config import Config
from gunicorn.http.errors import ParseException

from service.http.server.incoming import MAX_BODY, MAX_HEAD, Incoming

HEAD = b"POST /generate HTTP/1.1\r\nHost: x\r\n"
LENGTH = HEAD + b"Content-Length: 5\r\n\r\nhello"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"


@pytest.fixture
def incoming() -> Incoming:
    """The bytes of a client that has sent none."""
    return Incoming(Config(), ("127.0.0.1", 1))


@pytest.mark.parametrize("sent", [LENGTH, CHUNKED])
def test_a_request_arrives_byte_by_byte(incoming: Incoming, sent: bytes) -> None:
    """The last byte completes the request, whose head then has the length of the body."""
    for byte in sent[:-1]:
        incoming.feed(bytes([byte]))
        assert incoming.take() is None
    assert incoming.has_head
    incoming.feed(sent[-1:])
    request = incoming.take()
    assert (request.path, request.body.read()) == ("/generate", b"hello")
    assert ("CONTENT-LENGTH", "5") in request.headers
    assert (len(incoming), incoming.has_head) == (0, False)


def test_requests_follow_each_other(incoming: Incoming) -> None:
    """Requests that arrive together are taken one by one, in their order."""
    incoming.feed(LENGTH + CHUNKED + b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    requests = [incoming.take() for _ in range(3)]
    assert [each.body.read() for each in requests] == [b"hello", b"hello", b""]
    assert incoming.take() is None


def test_an_invitation_is_expected_before_the_body_alone(incoming: Incoming) -> None:
    """A client waits for `100 Continue` from its head to its body, and not with its next request."""
    incoming.feed(HEAD + b"Expect: 100-continue\r\nContent-Length: 5\r\n\r\n")
    assert incoming.take() is None
    assert incoming.expects_invitation
    incoming.feed(b"hello")
    assert incoming.take().body.read() == b"hello"
    incoming.feed(b"GET /")
    assert incoming.take() is None
    assert not incoming.expects_invitation


@pytest.mark.parametrize(
    ("said", "closes"),
    [
        (b"Connection: close\r\n", True),
        (b"Connection: TE, Close\r\nTE: trailers\r\n", True),
        (b"Connection: TE\r\nConnection: close\r\nTE: trailers\r\n", True),
        (
            b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n",
            False,
        ),
        (b"", False),
    ],
    ids=["alone", "in a list", "in a second field", "an offer of HTTP/2", "nothing"],
)
def test_a_client_may_end_the_connection(incoming: Incoming, said: bytes, closes: bool) -> None:
    """The option `close` ends the connection, also among others; Perl sends `TE, close` (RFC 9112, 9.6)."""
    incoming.feed(HEAD + said + b"\r\n")
    assert incoming.take().should_close() is closes


@pytest.mark.parametrize(
    "sent",
    [
        HEAD + b"Content-Length: %d\r\n\r\n" % (MAX_BODY + 1),
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\na\r\n" * (MAX_BODY + 1),
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n7fffffff\r\n" + bytes(MAX_BODY),
    ],
    ids=["length", "small chunks", "a large chunk"],
)
def test_too_large_a_body_is_not_waited_for(incoming: Incoming, sent: bytes) -> None:
    """The request is taken without its body, says a length over the limit, and ends the connection."""
    incoming.feed(sent)
    request = incoming.take()
    ((_, length),) = [each for each in request.headers if each[0] == "CONTENT-LENGTH"]
    assert int(length) > MAX_BODY
    assert (request.body.read(), request.should_close()) == (b"", True)


@pytest.mark.parametrize(
    "sent",
    [b"nonsense\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\n\n", b"a" * (MAX_HEAD + 1)],
    ids=["nonsense", "no host", "line feeds", "too long"],
)
def test_a_malformed_head_is_refused(incoming: Incoming, sent: bytes) -> None:
    """A head that is no head of HTTP, or over the limit, raises at once."""
    incoming.feed(sent)
    with pytest.raises(ParseException):
        incoming.take()
