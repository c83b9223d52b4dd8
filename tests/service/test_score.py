"""`POST /score` gives the probabilities that the model's own network computes."""

import json
from itertools import pairwise
from math import exp, log
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from model_store import ModelStore
from service.engine.onnx_engine import OnnxEngine
from tests.servers import Answer, Service

TEXTS = ["Hello, World", "a", "how are you\n" * 30]


def _score(service: Service, **fields: Any) -> Answer:
    kind = {"Content-Type": "application/json"}
    return service.request("POST", "/score", json.dumps(fields), kind)


def _by_hand(store: Path, prompt: str, text: str) -> list[float]:
    """The log-probability of each character of a text, from the graph's own logits."""
    stored = ModelStore(store).open("tiny", 1)
    batch = OnnxEngine(stored.file("model.int8.onnx")).batch(1)
    ids = stored.vocabulary.encode(prompt + text)
    logprobs = []
    for id_, following in pairwise(ids):
        logits = batch.step(np.array([id_]))[0].astype(np.float64)
        logprobs.append(float(logits[following] - np.logaddexp.reduce(logits)))
    return logprobs[len(prompt) - 1 :]


@pytest.mark.parametrize("context", ["", "Romeo and "])
def test_scores_are_those_of_the_network(service: Service, store: Path, context: str) -> None:
    """Each character's log-probability follows the context, by default a line end, and the text before."""
    answer = _score(service, texts=TEXTS, context=context, details=True).json
    assert (answer["model"], answer["version"], answer["context"]) == ("tiny", 1, context)
    for text, score in zip(TEXTS, answer["scores"], strict=True):
        expected = _by_hand(store, context or "\n", text)
        assert score["logprobs"] == pytest.approx(expected, abs=1e-4)
        nats = -sum(expected) / len(text)
        assert score["characters"] == len(text)
        assert score["logprob"] == pytest.approx(sum(expected), abs=1e-3)
        assert score["nats"] == pytest.approx(nats, abs=1e-4)
        assert score["bits"] == pytest.approx(nats / log(2), abs=1e-4)
        assert score["perplexity"] == pytest.approx(exp(nats), rel=1e-4)
    total = answer["total"]
    assert total["characters"] == sum(map(len, TEXTS))
    assert total["logprob"] == pytest.approx(sum(each["logprob"] for each in answer["scores"]))


def test_a_thousand_texts_in_one_request(service: Service) -> None:
    """The texts take turns in the slots; without `details` each has its score alone."""
    scores = _score(service, texts=["abc", "xyz"] * 500).json["scores"]
    assert len(scores) == 1_000
    assert scores[0].keys() == {"characters", "logprob", "nats", "bits", "perplexity"}
    assert [each["nats"] for each in scores] == [scores[0]["nats"], scores[1]["nats"]] * 500


def test_unknown_characters_are_dropped_on_request(service: Service) -> None:
    """With `unknown` "drop" the scores are those of the known characters, which the details show."""
    asked = {"texts": ["a€b"], "context": "€O", "details": True}
    refused = _score(service, **asked).json["errors"]
    assert [each["field"] for each in refused] == ["context", "texts.0"]
    assert all('"unknown": "drop"' in each["message"] for each in refused)
    answer = _score(service, **asked, unknown="drop").json
    assert answer == _score(service, texts=["ab"], context="O", details=True).json
    assert (answer["context"], answer["scores"][0]["text"]) == ("O", "ab")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"texts": ["ok", "a€"]}, "texts.1"),
        ({"texts": ["a"], "context": "€"}, "context"),
        ({"texts": ["ok", "€"], "unknown": "drop"}, "texts.1"),
        ({"texts": [""]}, "texts.0"),
        ({"texts": []}, "texts"),
        ({"texts": ["a"] * 1_001}, "texts"),
        ({"texts": ["a" * 10_001]}, "texts.0"),
        ({"texts": ["a"] * 1_000, "context": "b" * 1_000}, "texts"),
    ],
)
def test_bad_texts_are_named(service: Service, fields: dict[str, Any], field: str) -> None:
    """A text that the model cannot read, and texts that are too long, are refused by name."""
    refused = _score(service, **fields)
    assert refused.status == 422
    assert [each["field"] for each in refused.json["errors"]] == [field]
    assert len(refused.body) < 4_000
