"""Server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html)."""

# A proxy that buffers the response, as nginx does, would hold the pieces back.
STREAM_HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
# A comment, which clients skip, says to the proxies on the way that the answer goes on.
COMMENT = b": \n\n"


def event(data: str, kind: str | None = None, position: int | None = None) -> bytes:
    """Return the bytes of one event; an event without a kind is a `message`.

    `position`, the id of the event, is how many characters the client has with the event.
    """
    name = f"event: {kind}\n" if kind else ""
    number = "" if position is None else f"id: {position}\n"
    return f"{name}{number}data: {data}\n\n".encode()
