"""Server-sent events."""

# No proxy on the way is to collect events before it passes them on.
EVENT_HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}


def event(data: str, kind: str | None = None) -> bytes:
    """Return one event; without a kind it is a plain message."""
    name = f"event: {kind}\n" if kind else ""
    return f"{name}data: {data}\n\n".encode()
