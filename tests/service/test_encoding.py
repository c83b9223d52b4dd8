"""Answers with characters beyond ASCII, for clients that take no encoding for granted."""

import json
from typing import Any

import pytest

from tests.servers import Service

BODIES: dict[str, dict[str, Any]] = {
    "/generate": {"seed": "ä", "length": 200},
    "/batch": {"seed": "ä", "length": 200},
    "/score": {"texts": ["äöü"], "details": True},
    "/inspect": {"text": "äöü"},
    "/tokenize": {"prompt": "äöü", "return_token_strs": True},
    "/detokenize": {"tokens": [57, 58, 59]},
    "/v1/completions": {"model": "tiny", "prompt": "ä", "max_tokens": 200},
}
FORMS: list[tuple[str, dict[str, Any]]] = [
    *BODIES.items(),
    ("/generate", BODIES["/generate"]),  # the ready bytes of the first answer
    ("/generate", BODIES["/generate"] | {"count": 2}),
    ("/generate", BODIES["/generate"] | {"stream": True}),
    ("/v1/completions", BODIES["/v1/completions"] | {"stream": True}),
]


@pytest.mark.parametrize(("path", "fields"), FORMS)
def test_characters_beyond_ascii_are_declared(
    service: Service, path: str, fields: dict[str, Any]
) -> None:
    """A body that is not ASCII declares UTF-8, which Windows PowerShell 5.1 does not assume."""
    kind = {"Content-Type": "application/json"}
    answer = service.request("POST", path, json.dumps(fields), kind)
    assert answer.status == 200
    assert not answer.body.isascii()
    assert answer.headers["content-type"].endswith("; charset=utf-8")


@pytest.mark.parametrize("path", ["/models", "/models/tiny", "/openapi.json", "/models/%C3%A4"])
def test_other_json_is_ascii(service: Service, path: str) -> None:
    """JSON without a charset is ASCII, which every client reads right."""
    answer = service.get(path)
    assert "charset" not in answer.headers["content-type"]
    assert answer.body.isascii()
