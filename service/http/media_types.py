"""The media types of requests and responses."""

JSON, EVENTS, PROBLEM = "application/json", "text/event-stream", "application/problem+json"
JSON_LINES = "application/jsonl"


def in_utf8(media_type: str) -> str:
    """Return the Content-Type of a body with characters beyond ASCII.

    JSON is UTF-8 without a charset too (RFC 8259), but Windows PowerShell 5.1 reads ISO-8859-1 then.
    """
    return f"{media_type}; charset=utf-8"
