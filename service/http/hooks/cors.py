"""Cross-origin resource sharing: pages of configured origins may read responses."""

from collections.abc import Container

from flask import Response, request

from service.http.hooks.visit import Visit

# https://fetch.spec.whatwg.org/#http-cors-protocol
SHARED = {
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Allow-Headers": "Authorization, Cache-Control, Content-Type, If-None-Match, "
    "X-Request-ID",
    "Access-Control-Expose-Headers": "ETag, RateLimit, Retry-After, Server-Timing, X-Cache, "
    "X-Request-ID",
    "Access-Control-Max-Age": "600",
}


class Cors:
    """Shares responses with the pages of some origins."""

    def __init__(self, origins: Container[str]) -> None:
        self._origins = origins

    def share(self, _visit: Visit, response: Response) -> None:
        """Let the page read the response if the request comes from a configured origin."""
        origin = request.environ.get("HTTP_ORIGIN")
        if origin is not None and origin in self._origins:
            response.headers.extend({"Access-Control-Allow-Origin": origin, **SHARED})
            # A shared cache must not give the response to another origin.
            response.headers.add("Vary", "Origin")
