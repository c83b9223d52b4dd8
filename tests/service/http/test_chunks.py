"""Chunks become the body, however the network cuts them, and malformed chunks are refused."""

import pytest
from gunicorn.http.errors import ParseException

from service.http.server.chunks import MAX_LINE, MAX_TRAILER, Chunks

WHOLE = b'5\r\nhello\r\n6;name=value;quoted="a b"\r\n world\r\n0\r\nTrailer: ignored\r\n\r\n'


@pytest.mark.parametrize("piece", [1, 2, 3, 7, 1000])
def test_a_body_arrives_in_pieces(piece: int) -> None:
    """The body is complete with the last byte, and bytes of a next request stay."""
    chunks, received = Chunks(), bytearray()
    for place in range(0, len(WHOLE), piece):
        received += WHOLE[place : place + piece]
        assert chunks.take_from(received) == (place + piece >= len(WHOLE))
    assert bytes(chunks.body) == b"hello world"
    assert received == b""


def test_the_next_request_stays() -> None:
    """Bytes behind the end of the body are left."""
    chunks, received = Chunks(), bytearray(b"1\r\na\r\n0\r\n\r\nGET /")
    assert chunks.take_from(received)
    assert (bytes(chunks.body), bytes(received)) == (b"a", b"GET /")


@pytest.mark.parametrize(
    "malformed",
    [
        b"zz\r\n",
        b"\r\n",
        b"-1\r\n",
        b"0x5\r\n",
        b"5\nhello",
        b"123456789\r\n",
        b"1\r\nab\r\n",
        b"1\r\na\n\n",
        b"5;\x00\r\nhello",
        b"1" * (MAX_LINE + 1),
        b"0\r\n" + b"a: b\r\n" * MAX_TRAILER,
    ],
    ids=repr,
)
def test_malformed_chunks_are_refused(malformed: bytes) -> None:
    """What is no chunk raises, and is not waited on."""
    with pytest.raises(ParseException):
        Chunks().take_from(bytearray(malformed))
