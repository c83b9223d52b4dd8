"""The caller of a request: its connection, and its use of the cache."""

from collections.abc import Callable

from flask import request

from service.generation.generator import Caller
from service.http.connection import connection_probe
from service.http.hooks.visit import current_visit


def caller(
    seconds: float,
    *,
    streaming: bool,
    left: Callable[[], bool] = lambda: False,
    has: int = 0,
) -> Caller:
    """Return the caller of the current request, which may take some seconds from its beginning on.

    `left` returns whether the route has stopped reading the answer, and `has` is the number of
    characters of the text that the client has already.
    """
    visit = current_visit()
    control = request.headers.get("Cache-Control", "").lower()
    no_store = "no-store" in control
    connected = connection_probe(request.environ)
    return Caller(
        connected=lambda: not left() and connected(),
        deadline=visit.began + seconds,
        client=visit.client,
        streaming=streaming,
        has=has,
        read_cache=not (no_store or "no-cache" in control),
        write_cache=not no_store,
    )
