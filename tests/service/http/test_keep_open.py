"""Comments keep a quiet stream open through proxies."""

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from service.app import create_app
from service.generation import generator, waiting
from service.http.routes.events import COMMENT
from service.settings import Settings

SEED = "abcd" * 2_000  # so long that the first character takes a while


def test_a_stream_that_waits_sends_comments(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stream without a first character begins with a comment, and its text is complete."""
    monkeypatch.setattr(waiting, "POLL", 0.0)
    monkeypatch.setattr(generator, "QUIET", 0.0)
    own: dict[str, Any] = {"seed": SEED, "length": 300, "stream": True}
    openai: dict[str, Any] = {"model": "deep", "prompt": SEED, "stream": True, "seed": 1}
    requests = [("/generate", own), ("/v1/completions", openai)]
    with closing(create_app(Settings(store=str(store), model="deep"))) as app:
        client = app.test_client()
        answers = [client.post(path, json=body).data for path, body in requests]
        assert all(answer.startswith(COMMENT) for answer in answers)
        events = [event for event in answers[0].split(b"\n\n") if b'data: {"text"' in event]
        text = "".join(json.loads(event.partition(b"data: ")[2])["text"] for event in events)
        whole = client.post("/generate", json=own | {"stream": False}).json
        assert whole
        assert text == whole["text"]
