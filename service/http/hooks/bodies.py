"""Request bodies: their largest size, and the rest of a body that no route has read."""

from flask import Response, request

MAX_BODY = 1_000_000  # bytes; the longest seed text, escaped as \uXXXX, takes a tenth
MAX_DRAINED = 32_000_000  # bytes


def drain_body(response: Response) -> Response:
    """Read the rest of the request's body.

    Closing a connection with unread bytes resets the connection, and the client, still sending,
    never reads the response.
    """
    body = request.environ["wsgi.input"]
    for _ in range(MAX_DRAINED // MAX_BODY):
        if not body.read(MAX_BODY):
            break
    return response
