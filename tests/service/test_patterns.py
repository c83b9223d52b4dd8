"""Texts that a pattern bounds, over HTTP."""

import re
from typing import Any

import openai
import pytest

from tests.servers import Service

NAME = "[A-Z][a-z]{3,9}"
VERSES = "(?:[A-Z][a-z ]{4,30},\n){2}"


def _fresh(service: Service, **fields: Any) -> dict[str, Any]:
    answer = service.generate({"Cache-Control": "no-store"}, **fields)
    assert answer.status == 200
    return answer.json


@pytest.mark.parametrize("pattern", [NAME, VERSES, r"\w+(?: \w+)*", "Hallo|B?"])
def test_a_text_matches_its_pattern(service: Service, pattern: str) -> None:
    """The whole text matches, for any random seed, and the finish reason is the pattern."""
    for random_seed in range(5):
        answer = _fresh(service, seed="ab", length=80, pattern=pattern, random_seed=random_seed)
        assert re.fullmatch(pattern, answer["text"])
        assert answer["finish_reason"] == "pattern"


def test_a_text_with_a_pattern_is_cached(service: Service) -> None:
    """The same request, and one with another length beyond the longest text, are hits."""
    fields: dict[str, Any] = {"seed": "cached", "pattern": NAME}
    first = service.generate(**fields, length=50)
    for length in (50, 10, 400):
        again = service.generate(**fields, length=length)
        assert again.headers["x-cache"] == "hit"
        assert again.json["text"] == first.json["text"]
        assert again.json["finish_reason"] == "pattern"


def test_the_length_bounds_a_text_without_a_longest(service: Service) -> None:
    """A text ends within the length, however short; another length may give another text."""
    for length in range(4, 12):
        text = _fresh(service, seed="a", pattern="(?:ab|cde)*xyz!", length=length)["text"]
        assert re.fullmatch("(?:ab|cde)*xyz!", text)
        assert len(text) <= length


def test_streamed_texts_and_details_end_with_the_pattern(service: Service) -> None:
    """A streamed text is the whole one, and each of its characters has details."""
    fields: dict[str, Any] = {"seed": "streamed", "pattern": VERSES, "length": 70}
    whole = _fresh(service, **fields, details=True)
    assert len(whole["details"]) == len(whole["text"])
    stream = service.stream({"Cache-Control": "no-store"}, **fields)
    assert stream.text() == whole["text"]


def test_a_stop_string_cuts_a_text_with_a_pattern(service: Service) -> None:
    """A stop string ends the text before the pattern does."""
    fields: dict[str, Any] = {"seed": "stopped", "pattern": VERSES, "length": 70}
    whole = _fresh(service, **fields)["text"]
    stopped = _fresh(service, **fields, stop=[",\n"])
    assert stopped["text"] == whole[: whole.index(",\n")]
    assert stopped["finish_reason"] == "stop"


def test_openai_s_client_takes_a_pattern(service: Service) -> None:
    """VLLM's extra field bounds every text; OpenAI's name of the finish reason is "stop"."""
    base = f"http://127.0.0.1:{service.port}/v1"
    with openai.OpenAI(base_url=base, api_key="none", max_retries=0) as client:
        answer = client.completions.create(
            model="tiny",
            prompt="ab",
            n=3,
            seed=1,
            extra_body={"structured_outputs": {"regex": NAME}, "top_k": 20, "min_p": 0.01},
        )
        with pytest.raises(openai.UnprocessableEntityError, match=r"structured_outputs\.regex"):
            client.completions.create(
                model="tiny", prompt="a", extra_body={"structured_outputs": {"regex": "("}}
            )
    assert all(re.fullmatch(NAME, choice.text) for choice in answer.choices)
    assert {choice.finish_reason for choice in answer.choices} == {"stop"}
