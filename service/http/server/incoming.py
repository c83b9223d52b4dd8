"""The bytes that a client has sent, and the requests in these bytes."""

import re
from io import BytesIO
from typing import Any

from gunicorn.http.body import ChunkedReader
from gunicorn.http.errors import LimitRequestHeaders, ParseException
from gunicorn.http.message import Request
from gunicorn.http.unreader import IterUnreader

from service.http.server.chunks import Chunks

MAX_HEAD = 32_768  # bytes
MAX_BODY = 1_000_000  # bytes; the longest seed text, escaped as \uXXXX, takes a tenth

# A bare line feed ends a head too: gunicorn's parser refuses that head at once.
END_OF_HEAD = re.compile(rb"\r\n\r\n|\n\n")

# The first byte of a TLS connection (RFC 8446, section 5.1). A browser that tries https:// first waits
# for the end of the connection before the browser tries http://.
TLS_HANDSHAKE = b"\x16"
NO_TLS = "this port speaks HTTP without TLS: use http://, or a proxy that speaks TLS"


class Incoming:
    """Takes whole requests out of the bytes of one connection.

    gunicorn's parser reads each head, once the head is whole; no read ever waits.
    """

    def __init__(self, configuration: Any, client: Any) -> None:
        self._configuration, self._client = configuration, client
        self._received = bytearray()
        self._searched = 0
        self._request: Any = None
        self._chunks = Chunks()
        self.expects_invitation = False
        """Whether the client waits for `100 Continue` before the client sends the body."""

    def __len__(self) -> int:
        return len(self._received) + len(self._chunks.body)

    @property
    def has_head(self) -> bool:
        """Whether the head of the next request is read, and the body is not."""
        return self._request is not None

    def feed(self, received: bytes) -> None:
        """Add bytes that arrived."""
        self._received += received

    def take(self) -> Any:
        """Return the next request of gunicorn's, with its whole body, or None before it has arrived.

        A request with a body over MAX_BODY is returned at once, without the body; its Content-Length
        is over MAX_BODY, and the connection ends with the response.

        Raises:
            ParseException: the request is malformed.
        """
        if self._request is None and not self._read_head():
            return None
        body = self._take_body()
        if body is None:
            return None
        request, self._request, self._chunks = self._request, None, Chunks()
        request.body = BytesIO(body)
        self.expects_invitation = False
        return request

    def _read_head(self) -> bool:
        # Some clients end a body with an empty line too many (RFC 9112, section 2.2).
        while self._received.startswith(b"\r\n"):
            del self._received[:2]
        if self._received.startswith(TLS_HANDSHAKE):
            raise ParseException(NO_TLS)
        found = END_OF_HEAD.search(self._received, self._searched)
        end = found.end() if found else len(self._received)
        if end > MAX_HEAD:
            raise LimitRequestHeaders(f"the head is over the limit of {MAX_HEAD} bytes")
        if not found:
            self._searched = max(0, end - 3)
            return False
        self._request = self._parsed(bytes(self._received[:end]))
        del self._received[:end]
        self._searched = 0
        return True

    def _parsed(self, head: bytes) -> Any:
        request = Request(self._configuration, IterUnreader([head]), self._client)
        if request.version >= (1, 1) and not any(name == "HOST" for name, _ in request.headers):
            raise ParseException("HTTP/1.1 requires a Host header")
        if "close" in _connection_options(request):
            request.force_close()
        # The worker invites, since gunicorn would do so after the body has arrived.
        self.expects_invitation = request._expected_100_continue  # noqa: SLF001
        request._expected_100_continue = False  # noqa: SLF001
        return request

    def _take_body(self) -> bytes | None:
        """Return the body, empty where it is over the limit, or None before it has arrived."""
        if isinstance(self._request.body.reader, ChunkedReader):
            return self._take_chunked_body()
        length = getattr(self._request.body.reader, "length", 0)
        if length > MAX_BODY:
            return self._give_up(length)
        if len(self._received) < length:
            return None
        body = bytes(self._received[:length])
        del self._received[:length]
        return body

    def _take_chunked_body(self) -> bytes | None:
        complete = self._chunks.take_from(self._received)
        if len(self._chunks.body) > MAX_BODY or (not complete and len(self) > MAX_BODY):
            return self._give_up(len(self))
        if not complete:
            return None
        self._declare(len(self._chunks.body))
        return bytes(self._chunks.body)

    def _give_up(self, length: int) -> bytes:
        self._declare(length)
        self._request.force_close()
        return b""

    def _declare(self, length: int) -> None:
        """Let the head say the length, as a decoder of chunks does (RFC 9112, section 7.1.3)."""
        framing = ("TRANSFER-ENCODING", "CONTENT-LENGTH")
        kept = [(name, value) for name, value in self._request.headers if name not in framing]
        self._request.headers = [*kept, ("CONTENT-LENGTH", str(length))]


def _connection_options(request: Any) -> list[str]:
    """Return what the client says of the connection; gunicorn knows `close` on its own, and not in `TE, close`."""
    said = ",".join(value for name, value in request.headers if name == "CONNECTION")
    return [option.strip().lower() for option in said.split(",")]
