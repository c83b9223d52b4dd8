"""Server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html)."""

# A proxy that buffers the response would hold events back.
EVENT_HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}


def event(data: str, kind: str | None = None) -> bytes:
    """Return the bytes of one event; an event without a kind is a `message`."""
    name = f"event: {kind}\n" if kind else ""
    return f"{name}data: {data}\n\n".encode()
