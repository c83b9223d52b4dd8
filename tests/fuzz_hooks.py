"""A hook of schemathesis that puts known characters, models and lengths into request bodies.

Without the hook the service would refuse nearly every request, and no text would be generated.
"""

from typing import Any

import schemathesis

from tests.factories import SYMBOLS


@schemathesis.hook
def map_body(context: Any, body: Any) -> Any:
    """Return the body with known characters, an existing model and, by default, a short length."""
    if isinstance(body, dict):
        for field in ("seed", "prompt"):
            if isinstance(body.get(field), str):
                # The length stays, for a seed text over the limit must stay over the limit.
                body[field] = "".join(c if c in SYMBOLS else "a" for c in body[field])
        if isinstance(body.get("model"), str):
            body["model"] = "tiny"
        if "seed" in body:
            # The default length of 400 is over the limit of the test's service.
            body.setdefault("length", 20)
    return body
