"""What schemathesis cannot know: which characters, models and lengths there are.

Without this hook the service would refuse nearly every text, and no generation would be tried.
"""

from typing import Any

import schemathesis

from tests.factories import SYMBOLS


@schemathesis.hook
def map_body(context: Any, body: Any) -> Any:
    """Ask for known characters, an existing model and, by default, an allowed length."""
    if isinstance(body, dict):
        for field in ("seed", "prompt"):
            if isinstance(body.get(field), str):
                # As long as it was, or a text over the limit would not be one any more.
                body[field] = "".join(c if c in SYMBOLS else "a" for c in body[field])
        if isinstance(body.get("model"), str):
            body["model"] = "tiny"
        if "seed" in body:
            body.setdefault(
                "length", 20
            )  # the default of 400 is over the limit of the test's service
    return body
