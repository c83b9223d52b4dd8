"""The probe that finds out whether the client of a request is still connected."""

import socket
import ssl
from collections.abc import Callable
from typing import Any


def connection_probe(environ: dict[str, Any]) -> Callable[[], bool]:
    """Return a function that returns whether the client is connected.

    Any thread may call the function, which takes no byte from the stream.
    """
    connection = environ.get("gunicorn.socket")
    if not isinstance(connection, socket.socket) or isinstance(connection, ssl.SSLSocket):
        # Another server than gunicorn gives no socket, and a TLS socket cannot peek.
        return lambda: True

    def connected() -> bool:
        try:
            # A client that has closed the connection reads as zero bytes.
            return connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) != b""
        except BlockingIOError:
            return True
        except OSError:
            return False

    return connected
