"""Who asks, and what its headers say of the cache."""

from collections.abc import Callable

from flask import request

from service.generation.generator import Caller
from service.http.connection import connection_probe


def caller(*, streaming: bool, left: Callable[[], bool] = lambda: False) -> Caller:
    """Return who made the request at hand; `left` says when nobody reads its answer any more."""
    control = request.headers.get("Cache-Control", "").lower()
    no_store = "no-store" in control
    connected = connection_probe(request.environ)
    return Caller(
        connected=lambda: not left() and connected(),
        streaming=streaming,
        read_cache=not (no_store or "no-cache" in control),
        write_cache=not no_store,
    )
