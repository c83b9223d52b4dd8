"""OpenAI's own client works unchanged."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import openai
import pytest

from tests.servers import Service, serving, wait_until

ASKED: dict[str, Any] = {"model": "tiny", "prompt": "abc", "max_tokens": 60}


@pytest.fixture
def client(service: Service) -> Iterator[openai.OpenAI]:
    """OpenAI's client, pointed at the service."""
    base = f"http://127.0.0.1:{service.port}/v1"
    with openai.OpenAI(base_url=base, api_key="none", max_retries=0) as client:
        yield client


def _texts(client: openai.OpenAI, **fields) -> list[str]:
    return [choice.text for choice in client.completions.create(**(ASKED | fields)).choices]


def _streamed(client: openai.OpenAI, **fields) -> dict[int, str]:
    texts: dict[int, str] = {}
    for chunk in client.completions.create(**(ASKED | fields), stream=True):
        for choice in chunk.choices:
            texts[choice.index] = texts.get(choice.index, "") + choice.text
    return texts


def test_a_completion_is_the_text_of_generate(client: openai.OpenAI, service: Service) -> None:
    """The same seed gives the same characters by either route."""
    answer = client.completions.create(**ASKED, seed=7, temperature=0.7)
    own = service.generate(seed="abc", length=60, random_seed=7, temperature=0.7, model="tiny")
    (choice,) = answer.choices
    assert choice.text == own.json["text"]
    assert choice.finish_reason == "length"
    assert answer.object == "text_completion"
    assert answer.id.startswith("cmpl-")
    assert answer.usage is not None
    assert answer.usage.model_dump(include={"prompt_tokens", "completion_tokens"}) == {
        "prompt_tokens": 3,
        "completion_tokens": 60,
    }


def test_a_stream_has_the_same_text_and_ends(client: openai.OpenAI) -> None:
    """Pieces add up to the whole text; the last chunks have the reason and the usage."""
    chunks = list(
        client.completions.create(
            **ASKED, seed=7, stream=True, stream_options={"include_usage": True}
        )
    )
    text = "".join(choice.text for chunk in chunks for choice in chunk.choices)
    assert [text] == _texts(client, seed=7)
    assert chunks[-2].choices[0].finish_reason == "length"
    assert chunks[-1].choices == []
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.total_tokens == 63
    assert len({chunk.id for chunk in chunks}) == 1


def test_n_texts_differ_and_come_again(client: openai.OpenAI) -> None:
    """One seed names n different texts, streamed or not, of which the first is that of n=1."""
    texts = _texts(client, seed=7, n=4)
    assert len(set(texts)) == 4
    assert _texts(client, seed=7, n=4) == texts
    assert _texts(client, seed=7) == texts[:1]
    streamed = _streamed(client, seed=7, n=4)
    assert [streamed[index] for index in range(4)] == texts


def test_without_a_seed_every_answer_is_another(client: openai.OpenAI) -> None:
    """As with OpenAI, a seed must be given for the same text twice."""
    assert _texts(client) != _texts(client)


def test_a_list_of_prompts(client: openai.OpenAI) -> None:
    """Each prompt has its choices in order, the same as by itself."""
    both = _texts(client, prompt=["abc", "xyz"], n=2, seed=3)
    assert both == [
        *_texts(client, prompt="abc", n=2, seed=3),
        *_texts(client, prompt="xyz", n=2, seed=3),
    ]


def test_equal_prompts(client: openai.OpenAI) -> None:
    """As with OpenAI, equal prompts of one request have different texts; a seed repeats them."""
    assert len(set(_texts(client, prompt=["abc"] * 3))) == 3
    assert _texts(client, prompt=["abc"] * 3, seed=7) == _texts(client, n=3, seed=7)


def test_a_batch_of_langchain(client: openai.OpenAI) -> None:
    """Twenty prompts in one request, as LangChain sends them, have twenty texts; 128 texts are the most."""
    prompts = [f"{letter}b" for letter in "abcdefghijklmnopqrst"]
    assert _texts(client, prompt=prompts, max_tokens=5, seed=3) == [
        _texts(client, prompt=prompt, max_tokens=5, seed=3)[0] for prompt in prompts
    ]
    assert len(_texts(client, n=128, max_tokens=1)) == 128


def test_the_best_of_several(client: openai.OpenAI) -> None:
    """Of the texts of `n`, `best_of` returns the ones with the highest mean log-probability."""
    all_texts = client.completions.create(**ASKED, seed=7, n=4, logprobs=0).choices
    means = {
        each.text: sum(filter(None, each.logprobs.token_logprobs or [])) / len(each.text)
        for each in all_texts
        if each.logprobs
    }
    best = sorted(means, key=lambda text: -means[text])
    assert _texts(client, seed=7, n=2, best_of=4) == best[:2]


def test_an_unknown_path_is_explained(client: openai.OpenAI) -> None:
    """The client raises its own errors, with a message, for a path or method that does not exist."""
    with pytest.raises(openai.NotFoundError) as caught:
        client.chat.completions.create(model="tiny", messages=[{"role": "user", "content": "a"}])
    assert caught.value.type == "invalid_request_error"
    assert "has no chat" in caught.value.message
    with pytest.raises(openai.APIStatusError) as wrong_method:
        client.get("/completions", cast_to=object)
    assert (wrong_method.value.status_code, wrong_method.value.code) == (405, "method_not_allowed")


def test_wrong_prompts_are_refused_in_a_small_document(client: openai.OpenAI) -> None:
    """Token ids that the model lacks or that are too many, and other prompts, are refused briefly."""
    for ids in ([9_999], [1] * 200_000, [1, None], ["a", 1], ["a"] * 129, [None] * 100_000):
        with pytest.raises(openai.UnprocessableEntityError) as caught:
            client.completions.create(**(ASKED | {"prompt": ids}))
        assert str(caught.value.param).startswith("prompt")
        assert len(caught.value.response.content) < 4_000


def test_stop_and_echo(client: openai.OpenAI) -> None:
    """The text ends before a stop string; echo puts the prompt before it."""
    (whole,) = _texts(client, seed=5)
    stop = whole[20:22]
    answer = client.completions.create(**ASKED, seed=5, stop=stop, echo=True)
    assert answer.choices[0].text == "abc" + whole[: whole.index(stop)]
    assert answer.choices[0].finish_reason == "stop"


def test_logprobs(client: openai.OpenAI) -> None:
    """Each character has its log-probability, the likeliest ones and its offset."""
    answer = client.completions.create(**ASKED, seed=5, logprobs=2, echo=True)
    (choice,) = answer.choices
    logprobs = choice.logprobs
    assert logprobs is not None
    assert logprobs.tokens is not None
    assert logprobs.token_logprobs is not None
    assert logprobs.top_logprobs is not None
    assert "".join(logprobs.tokens) == choice.text
    assert logprobs.text_offset == list(range(63))
    assert logprobs.token_logprobs[0] is None
    for token, own, top in list(
        zip(logprobs.tokens, logprobs.token_logprobs, logprobs.top_logprobs, strict=True)
    )[1:]:
        assert top[token] == own
        assert max(top.values()) >= own
        assert 2 <= len(top) <= 3


def test_an_echo_alone_may_have_a_pattern(client: openai.OpenAI) -> None:
    """With `max_tokens` 0 the answer is the prompt, whatever text `structured_outputs` asks for."""
    pattern = {"structured_outputs": {"regex": "[a-z]{4}"}}
    assert _texts(client, max_tokens=0, echo=True, extra_body=pattern) == ["abc"]
    assert _streamed(client, max_tokens=0, echo=True, extra_body=pattern) == {0: "abc"}


def test_streamed_logprobs_are_those_of_the_whole(client: openai.OpenAI) -> None:
    """Pieces carry the same numbers and offsets."""
    whole = client.completions.create(**ASKED, seed=5, logprobs=1).choices[0].logprobs
    assert whole is not None
    offsets: list[int] = []
    for chunk in client.completions.create(**ASKED, seed=5, logprobs=1, stream=True):
        offsets += chunk.choices[0].logprobs.text_offset or []
    assert offsets == whole.text_offset


def test_a_bias_rules_a_character_in_or_out(client: openai.OpenAI) -> None:
    """+100 leaves one character only, −100 takes it out."""
    assert _texts(client, seed=1, logit_bias={"e": 100}) == ["e" * 60]
    (free,) = _texts(client, seed=1)
    common = max(free, key=free.count)
    assert common not in _texts(client, seed=1, logit_bias={common: -100})[0]


def test_penalties_make_texts_more_varied(client: openai.OpenAI) -> None:
    """At temperature 0 a small model repeats itself, unless what it said is penalised."""
    (plain,) = _texts(client, temperature=0, max_tokens=200)
    (varied,) = _texts(client, temperature=0, max_tokens=200, frequency_penalty=2)
    (present,) = _texts(client, temperature=0, max_tokens=200, presence_penalty=2)
    assert len(set(varied)) > len(set(plain))
    assert present != plain


@pytest.mark.parametrize("penalties", [{"frequency_penalty": 1.5}, {"presence_penalty": 1.5}])
def test_penalised_texts_are_resumed_exactly(
    client: openai.OpenAI, penalties: dict[str, Any]
) -> None:
    """A longer text that goes on from a cached one knows what was said before."""
    _texts(client, seed=11, max_tokens=100, **penalties)
    (resumed,) = _texts(client, seed=11, max_tokens=300, **penalties)
    fresh = client.completions.create(
        **(ASKED | {"max_tokens": 300}),
        seed=11,
        **penalties,
        extra_headers={"Cache-Control": "no-store"},
    )
    assert fresh.choices[0].text == resumed


def test_models_are_listed(client: openai.OpenAI) -> None:
    """The client lists and retrieves models."""
    assert {"tiny", "deep"} <= {model.id for model in client.models.list()}
    assert client.models.retrieve("tiny").owned_by == "charloom"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("nobody")


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"max_tokens": -1}, "max_tokens"),
        ({"prompt": "\U0001f600"}, "prompt"),
        ({"prompt": []}, "prompt"),
        ({"suffix": "end"}, "suffix"),
        ({"logit_bias": {"50256": -100}}, "logit_bias"),
        ({"n": 5, "best_of": 4}, "best_of"),
        ({"best_of": 2, "stream": True}, "stream"),
        ({"n": 129}, "n"),
        ({"n": 65, "prompt": ["a", "b"]}, "n"),
    ],
)
def test_bad_fields_are_named(client: openai.OpenAI, fields: dict[str, Any], param: str) -> None:
    """The client raises its own error with OpenAI's body, and the field is in it."""
    with pytest.raises(openai.UnprocessableEntityError) as caught:
        client.completions.create(**(ASKED | fields))
    assert caught.value.param == param
    assert caught.value.code == "invalid_request"
    assert caught.value.type == "invalid_request_error"


def test_an_unknown_model_is_not_found(client: openai.OpenAI) -> None:
    """As with OpenAI, the client raises NotFoundError."""
    with pytest.raises(openai.NotFoundError) as caught:
        client.completions.create(**(ASKED | {"model": "gpt-3.5-turbo-instruct"}))
    assert caught.value.code == "model_not_found"


def test_who_leaves_frees_all_slots(tmp_path: Path, store: Path) -> None:
    """Closing a stream of several texts ends every one of them."""
    long: dict[str, Any] = {"max_length": 1_000_000, "slots": 8}
    with serving(tmp_path / "log", store=store, model="deep", **long) as service:
        base = f"http://127.0.0.1:{service.port}/v1"
        with openai.OpenAI(base_url=base, api_key="none", max_retries=0) as client:
            stream = client.completions.create(
                model="deep", prompt="abc", max_tokens=190_000, n=5, stream=True
            )
            assert {chunk.choices[0].index for chunk in islice(stream, 20)} == set(range(5))
            stream.close()
        wait_until(service.idle, "all slots")
        assert service.metric("charloom_generated_characters_total") < 5 * 190_000


def test_a_full_service_refuses_a_stream_with_its_status(tmp_path: Path) -> None:
    """A stream whose prompt should be read meets 429 where the slots and the queue are full."""
    with serving(tmp_path / "log", slots=1, queue=0, max_length=1_000_000) as service:
        busy = service.stream(seed="busy", length=1_000_000)
        base = f"http://127.0.0.1:{service.port}/v1"
        asked: dict[str, Any] = {"model": "shakespeare", "prompt": "abc", "logprobs": 1}
        with (
            openai.OpenAI(base_url=base, api_key="none", max_retries=0) as client,
            pytest.raises(openai.RateLimitError),
        ):
            client.completions.create(**asked, echo=True, stream=True)
        busy.close()
