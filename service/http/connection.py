"""Whether the client of the request at hand is still there."""

import socket
import ssl
from collections.abc import Callable
from typing import Any


def connection_probe(environ: dict[str, Any]) -> Callable[[], bool]:
    """Return a function that tells, from any thread and without reading, whether it is."""
    connection = environ.get("gunicorn.socket")
    if not isinstance(connection, socket.socket) or isinstance(connection, ssl.SSLSocket):
        return lambda: True  # nothing to look at

    def connected() -> bool:
        try:
            # An orderly end of the client's stream reads as no bytes at all.
            return connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) != b""
        except BlockingIOError:
            return True
        except OSError:
            return False

    return connected
