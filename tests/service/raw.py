"""Requests as bytes, sent through sockets: what no HTTP client would send."""

import http.client
import json
import socket
from typing import Any

from tests.servers import Answer, Service

BODY = json.dumps({"seed": "abc", "length": 20}).encode()
POST = b"POST /generate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"


def connect(service: Service) -> socket.socket:
    """Open a connection to a service."""
    return socket.create_connection(("127.0.0.1", service.port), timeout=60)


def received(connection: socket.socket) -> Answer:
    """Read an answer to its end."""
    response = http.client.HTTPResponse(connection)
    response.begin()
    headers = {name.lower(): value for name, value in response.getheaders()}
    return Answer(response.status, headers, response.read())


def exchange(service: Service, request: bytes, *, half_close: bool = False) -> Answer:
    """Send the bytes of a request, then end the sending if `half_close`; return the answer."""
    with connect(service) as connection:
        connection.sendall(request)
        if half_close:
            connection.shutdown(socket.SHUT_WR)
        return received(connection)


def chunked(body: bytes, size: int) -> bytes:
    """Return a body in chunks of at most `size` bytes."""
    pieces = [body[place : place + size] for place in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in [*pieces, b""])


def received_first(connection: socket.socket) -> Any:
    """Read one answer byte by byte, and so nothing of the next."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += connection.recv(1)
    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    return json.loads(connection.recv(length, socket.MSG_WAITALL))
