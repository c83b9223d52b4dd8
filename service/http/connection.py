"""The connection of a request's client: whether it is still there, and when the request had arrived."""

from collections.abc import Callable
from time import monotonic
from typing import Any

from service.http.server.client_socket import ClientSocket


def connection_probe(environ: dict[str, Any]) -> Callable[[], bool]:
    """Return a function that returns whether the client is connected.

    Any thread may call the function, which takes no byte from the stream.
    """
    client = _socket(environ)
    if client is None:
        return lambda: True
    # HTTP/1.0 knows no interim responses.
    may_ask = environ.get("SERVER_PROTOCOL") != "HTTP/1.0"
    return lambda: not client.has_left(may_ask=may_ask)


def arrival(environ: dict[str, Any]) -> float:
    """Return the monotonic time at which a request had arrived; since then the request may have waited."""
    client = _socket(environ)
    return monotonic() if client is None else client.arrived


def _socket(environ: dict[str, Any]) -> ClientSocket | None:
    """Return the socket of a request's client; None: another server gives no socket."""
    client = environ.get("gunicorn.socket")
    return client if isinstance(client, ClientSocket) else None
