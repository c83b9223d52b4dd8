"""The tokenizer routes have vLLM's form; a token is a character."""

import json
from pathlib import Path
from typing import Any

import pytest

from model_store import ModelStore
from tests.servers import Answer, Service


def _post(service: Service, path: str, **fields: Any) -> Answer:
    return service.request("POST", path, json.dumps(fields), {"Content-Type": "application/json"})


def test_tokens_are_places_in_the_vocabulary(service: Service, store: Path) -> None:
    """A text becomes the vocabulary's ids, and these, of which 20.0 is the same as 20, become the text again."""
    ids = ModelStore(store).open("tiny", 1).vocabulary.encode("Hello").tolist()
    answer = _post(
        service, "/tokenize", prompt="Hello", add_special_tokens=False, return_token_strs=True
    ).json
    assert answer == {
        "count": 5,
        "max_model_len": 20_000,
        "tokens": ids,
        "token_strs": ["H", "e", "l", "l", "o"],
    }
    assert _post(service, "/detokenize", tokens=ids).json == {"prompt": "Hello"}
    assert _post(service, "/detokenize", tokens=[*map(float, ids)]).json == {"prompt": "Hello"}
    assert _post(service, "/detokenize", tokens=[]).json == {"prompt": ""}


def test_unknown_characters_are_dropped_on_request(service: Service) -> None:
    """The error for an unknown character names the field that leaves the character out."""
    refused = _post(service, "/tokenize", prompt="a€b").json["errors"][0]
    assert '"unknown": "drop"' in refused["message"]
    dropped = _post(service, "/tokenize", prompt="a€b", unknown="drop").json
    assert dropped == _post(service, "/tokenize", prompt="ab").json


def test_a_text_begins_after_a_line_end(service: Service) -> None:
    """The line end, which an empty seed text starts after, is the first and the last token."""
    info = service.get("/tokenizer_info").json
    assert (info["bos_token"], info["eos_token"], info["unk_token"]) == ("\n", "\n", None)


@pytest.mark.parametrize(
    ("path", "fields", "field"),
    [
        ("/tokenize", {"prompt": "a€"}, "prompt"),
        ("/detokenize", {"tokens": [10**30]}, "tokens"),
        ("/detokenize", {"tokens": [-1]}, "tokens.0"),
    ],
)
def test_unknown_tokens_are_named(
    service: Service, path: str, fields: dict[str, Any], field: str
) -> None:
    """Characters and ids outside the vocabulary are refused by name."""
    refused = _post(service, path, **fields)
    assert (refused.status, refused.json["errors"][0]["field"]) == (422, field)
