"""Cross-origin resource sharing: pages of configured origins may read responses."""

from collections.abc import Container

from service.http.hooks.visit import Visit

# https://fetch.spec.whatwg.org/#http-cors-protocol
# The wildcard allows every further header but Authorization: OpenAI's client sends a dozen of its own.
SHARED = {
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Allow-Headers": "Authorization, Cache-Control, Content-Type, If-Match, "
    "If-None-Match, Last-Event-ID, X-Request-ID, *",
    "Access-Control-Expose-Headers": "ETag, RateLimit, Retry-After, Server-Timing, X-Cache, "
    "X-Cached-Characters, X-Model, X-Random-Seed, X-Request-ID",
    "Access-Control-Max-Age": "600",
}


class Cors:
    """Shares responses with the pages of some origins, or of all."""

    def __init__(self, origins: Container[str]) -> None:
        """Take the origins; `*` stands for all."""
        self._origins = origins

    def headers(self, visit: Visit) -> list[tuple[str, str]]:
        """Return the headers that let the page read the response, for a configured origin alone."""
        origin = visit.origin
        if origin is None or not (origin in self._origins or "*" in self._origins):
            return []
        # A shared cache must not give the response to another origin.
        return [("Access-Control-Allow-Origin", origin), *SHARED.items(), ("Vary", "Origin")]
