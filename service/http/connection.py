"""The probe that finds out whether the client of a request is still connected."""

from collections.abc import Callable
from typing import Any

from service.http.server.client_socket import ClientSocket


def connection_probe(environ: dict[str, Any]) -> Callable[[], bool]:
    """Return a function that returns whether the client is connected.

    Any thread may call the function, which takes no byte from the stream.
    """
    client = environ.get("gunicorn.socket")
    if not isinstance(client, ClientSocket):
        # Another server gives no socket.
        return lambda: True
    # HTTP/1.0 knows no interim responses.
    may_ask = environ.get("SERVER_PROTOCOL") != "HTTP/1.0"
    return lambda: not client.has_left(may_ask=may_ask)
