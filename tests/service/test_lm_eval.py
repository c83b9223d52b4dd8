"""lm-eval's requests get the perplexity that the training reports; `make lm-eval-test` runs lm-eval itself."""

import json
from pathlib import Path
from typing import Any

import pytest

from model_store import ModelStore
from tests.servers import Answer, Service
from training.frozen.runtime import stream_loss

TEXT = "Hello, World!\nhow are you this morning, " * 50


def _post(service: Service, path: str, fields: dict[str, Any]) -> Answer:
    return service.request("POST", path, json.dumps(fields), {"Content-Type": "application/json"})


def _tokens(service: Service, text: str) -> list[int]:
    answer = _post(service, "/tokenize", {"prompt": text, "add_special_tokens": False})
    tokens: list[int] = answer.json["tokens"]
    return tokens


def _rows(service: Service, prompts: list[list[int]], most: int) -> list[dict[str, Any]]:
    """Send lm-eval's request for log-likelihoods; return the log-probabilities of each choice."""
    fields = {
        "model": "tiny",
        "prompt": prompts,
        "temperature": 0,
        "max_tokens": most,
        "logprobs": 1,
        "seed": 1234,
        "echo": True,
    }
    choices = _post(service, "/v1/completions", fields).json["choices"]
    assert [each["index"] for each in choices] == list(range(len(prompts)))
    return [each["logprobs"] for each in choices]


def test_the_perplexity_is_that_of_the_training(service: Service, store: Path) -> None:
    """A text after the first token has the loss that the export computes on the same graph."""
    info = service.get("/tokenizer_info").json
    ids = [*_tokens(service, info["bos_token"]), *_tokens(service, TEXT)]
    (row,) = _rows(service, [ids], most=1)
    nats = -sum(row["token_logprobs"][1:-1]) / len(TEXT)
    graph = ModelStore(store).open("tiny", 1).file("model.int8.onnx")
    encoded = ModelStore(store).open("tiny", 1).vocabulary.encode(info["bos_token"] + TEXT)
    assert nats == pytest.approx(stream_loss(graph, encoded), abs=0.001)


def test_prompts_of_any_length_share_a_request(service: Service) -> None:
    """Each of several prompts has its own figures, and the likeliest character says what is greedy."""
    prompts = [_tokens(service, text) for text in ("a", "Hello", "Hello, World")]
    rows = _rows(service, prompts, most=0)
    assert rows == [_rows(service, [prompt], most=0)[0] for prompt in prompts]
    for prompt, row in zip(prompts, rows, strict=True):
        assert [len(values) for values in row.values()] == [len(prompt)] * 4
        assert (row["token_logprobs"][0], row["top_logprobs"][0]) == (None, None)
        for own, top in zip(row["token_logprobs"][1:], row["top_logprobs"][1:], strict=True):
            assert max(top.values()) >= own
            assert own in top.values()


def test_a_streamed_prompt_has_its_figures_too(service: Service) -> None:
    """A stream begins with the prompt's log-probabilities."""
    fields = {"prompt": "Hello", "max_tokens": 3, "echo": True, "logprobs": 0, "seed": 1}
    whole = _post(service, "/v1/completions", fields).json["choices"][0]["logprobs"]
    events = (
        _post(service, "/v1/completions", fields | {"stream": True}).body.decode().split("\n\n")
    )
    pieces = [json.loads(event.removeprefix("data: ")) for event in events if "choices" in event]
    streamed = [
        value for piece in pieces for value in piece["choices"][0]["logprobs"]["token_logprobs"]
    ]
    assert streamed == whole["token_logprobs"]
    assert len(streamed) == 8
