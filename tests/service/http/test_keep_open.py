"""Comments keep a quiet stream open through proxies."""

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from service.app import create_app
from service.generation import generator, scores, waiting
from service.http.routes.events import COMMENT
from service.settings import Settings

SEED = "abcd" * 2_000  # so long that the first character takes a while


def commented(
    client: FlaskClient, path: str, body: dict[str, Any], key: str
) -> tuple[dict[str, Any], bytes]:
    """Return the first request, of twenty seeds, whose stream begins with a comment, and the stream.

    A busy machine may read or draw the first characters before they are waited for.
    """
    for seed in range(20):
        asked = body | {key: seed}
        answer = client.post(path, json=asked).data
        if answer.startswith(COMMENT):
            return asked, answer
    raise AssertionError("no stream begins with a comment")


def test_a_stream_that_waits_sends_comments(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stream without a first character begins with a comment, and its text is complete."""
    monkeypatch.setattr(waiting, "POLL", 0.0)
    monkeypatch.setattr(generator, "QUIET", 0.0)
    own: dict[str, Any] = {"seed": SEED, "length": 300, "stream": True}
    openai: dict[str, Any] = {"model": "deep", "prompt": SEED, "stream": True}
    with closing(create_app(Settings(store=str(store), model="deep"))) as app:
        client = app.test_client()
        asked, answer = commented(client, "/generate", own, "random_seed")
        commented(client, "/v1/completions", openai, "seed")
        events = [event for event in answer.split(b"\n\n") if b'data: {"text"' in event]
        text = "".join(json.loads(event.partition(b"data: ")[2])["text"] for event in events)
        whole = client.post("/generate", json=asked | {"stream": False}).json
        assert whole
        assert text == whole["text"]


def test_an_echo_that_is_read_sends_comments(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stream whose prompt is read begins with a comment, and has the numbers of the whole answer."""
    monkeypatch.setattr(waiting, "POLL", 0.001)
    monkeypatch.setattr(scores, "QUIET", 0.0)
    body: dict[str, Any] = {"model": "deep", "prompt": SEED, "max_tokens": 0}
    body |= {"echo": True, "logprobs": 1, "stream": True}
    with closing(create_app(Settings(store=str(store), model="deep", deadline=600))) as app:
        client = app.test_client()
        asked, answer = commented(client, "/v1/completions", body, "seed")
        (event,) = (each for each in answer.split(b"\n\n") if b"logprobs" in each)
        (streamed,) = json.loads(event.removeprefix(b"data: "))["choices"]
        whole = client.post("/v1/completions", json=asked | {"stream": False}).json
    assert whole
    assert streamed["logprobs"] == whole["choices"][0]["logprobs"]
