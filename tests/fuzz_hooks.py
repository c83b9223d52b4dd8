"""Hooks of schemathesis: known characters, models and lengths in request bodies, and JSON lines.

Without the first hook the service would refuse nearly every request, and no text would be generated.
"""

from typing import Any

import schemathesis

from tests.factories import SYMBOLS


@schemathesis.serializer("application/jsonl")
def json_lines(_context: Any, value: Any) -> bytes:
    """Return the bytes of a body of JSON lines, which the document describes as any bytes."""
    return value if isinstance(value, bytes) else str(value).encode()


@schemathesis.hook
def map_body(context: Any, body: Any) -> Any:
    """Return the body with known characters, an existing model and, by default, a short length."""
    if isinstance(body, dict):
        for field in ("seed", "prompt", "context"):
            if isinstance(body.get(field), str):
                body[field] = _known(body[field])
        if isinstance(body.get("texts"), list):
            body["texts"] = [_known(t) if isinstance(t, str) else t for t in body["texts"]]
        if isinstance(body.get("model"), str):
            body["model"] = "tiny"
        if "seed" in body:
            # The default length of 400 is over the limit of the test's service.
            body.setdefault("length", 20)
    return body


def _known(text: str) -> str:
    """Return a text of known characters; a text over the limit must stay over the limit."""
    return "".join(c if c in SYMBOLS else "a" for c in text)
