"""A completion request becomes one generation for each text."""

import json
from typing import Any

import pytest

from service.api.openai_resolve import prompts_to_read, resolve_completion
from service.api.openai_schemas import CompletionRequest
from service.api.parsing import MAX_FIELDS, parse
from service.api.resolve import resolve
from service.api.schemas import MAX_RANDOM_SEED, GenerateRequest
from service.errors import FieldProblem, InvalidRequest
from service.generation.scores import Given
from service.settings import Settings
from service.stream.generation import Generation, Sampling
from tests.fake_engines import fake_model

MODEL = fake_model()


def _resolved(**fields: Any) -> list[Generation]:
    request = CompletionRequest.model_validate({"prompt": "Hello", "seed": 7} | fields)
    return resolve_completion(request, MODEL, Settings(max_length=10_000, max_seed_chars=10))


def _random_seeds(**fields: Any) -> list[int]:
    return [each.stream.sampling.random_seed for each in _resolved(**fields)]


def test_defaults_are_those_of_openai() -> None:
    """A prompt alone is one text of 16 characters at temperature 1."""
    (generation,) = _resolved()
    assert generation.stream.sampling == Sampling(1.0, top_k=None, top_p=None, random_seed=7)
    assert (generation.seed, generation.length, generation.wants_details) == ("Hello", 16, False)


def test_the_default_length_follows_a_lower_limit() -> None:
    """Without `max_tokens`, a service with a limit below 16 characters generates up to its limit."""
    request = parse(CompletionRequest, b'{"prompt": "Hello", "max_tokens": null}')
    (generation,) = resolve_completion(request, MODEL, Settings(max_length=10))
    assert generation.length == 10


def test_each_prompt_has_n_texts() -> None:
    """The texts come prompt by prompt, and each has the same random seeds."""
    generations = _resolved(prompt=["a", "b"], n=3)
    assert [each.seed for each in generations] == ["a", "a", "a", "b", "b", "b"]
    seeds = _random_seeds(prompt=["a", "b"], n=3)
    assert seeds[:3] == seeds[3:]
    assert (seeds[0], len(set(seeds))) == (7, 3)


def test_equal_prompts_have_different_texts() -> None:
    """Equal prompts of one request count on, and have the random seeds of the n texts of one prompt."""
    assert _random_seeds(prompt=["a", "b", "a", "a"]) == [7, 7, *_random_seeds(n=3)[1:]]
    assert _random_seeds(prompt=["a", "a"], n=2) == _random_seeds(n=4)


@pytest.mark.parametrize("prompt", [["é", "e\u0301"], ["a", "a€"]], ids=["NFC", "drop"])
def test_prompts_that_are_read_as_equal_have_different_texts(prompt: list[str]) -> None:
    """Prompts that become the same text for the model have the random seeds of equal prompts."""
    assert _random_seeds(prompt=prompt, unknown="drop") == _random_seeds(n=2)


def test_more_texts_leave_the_first_as_they_are() -> None:
    """The random seed of a text depends on the request's seed and the text's number alone."""
    assert _random_seeds(n=5)[:2] == _random_seeds(n=2)


@pytest.mark.parametrize("seed", [-(2**63), -1, 0, 2**63 - 1])
def test_every_seed_of_openai_is_a_random_seed(seed: int) -> None:
    """A negative seed becomes one within the bounds of a random seed."""
    assert all(0 <= each <= MAX_RANDOM_SEED for each in _random_seeds(seed=seed, n=2))


def test_without_a_seed_each_request_draws_one() -> None:
    """Requests without a seed have different texts."""
    assert len({_random_seeds(seed=None)[0] for _ in range(5)}) == 5


def test_log_probabilities_ask_for_details() -> None:
    """`logprobs`, also 0, has each character explained."""
    assert [_resolved(logprobs=number)[0].wants_details for number in (None, 0, 5)] == [
        False,
        True,
        True,
    ]


def test_penalties_and_biases_belong_to_the_sampling() -> None:
    """Penalties and biases are part of the stream; biases are ids in ascending order."""
    (generation,) = _resolved(
        presence_penalty=0.5, frequency_penalty=-1.0, logit_bias={"b": 2, "a": -3}
    )
    a, b = MODEL.vocabulary.encode("ab").tolist()
    assert generation.stream.sampling == Sampling(
        1.0,
        None,
        None,
        7,
        presence_penalty=0.5,
        frequency_penalty=-1.0,
        logit_bias=((a, -3.0), (b, 2.0)),
    )
    assert generation.stream.sampling.adjusts


def test_vllm_s_parameters_are_those_of_generate() -> None:
    """The further parameters of vLLM mean the same stream as their namesakes in `POST /generate`."""
    drawn: dict[str, Any] = {
        "top_k": 3,
        "min_p": 0.1,
        "typical_p": 0.9,
        "repetition_penalty": 1.5,
        "repetition_window": 9,
    }
    (generation,) = _resolved(**drawn, structured_outputs={"regex": "[a-z]{3}"})
    same = GenerateRequest(seed="Hello", length=16, random_seed=7, pattern="[a-z]{3}", **drawn)
    assert generation.stream == resolve(same, MODEL, Settings()).stream
    assert generation.length == 3


def test_token_ids_are_characters() -> None:
    """A prompt of token ids, of which 20.0 is the same as 20, is the text of these places in the vocabulary."""
    ids = MODEL.vocabulary.encode("Hello").tolist()
    for prompt in (ids, [ids], [float(each) for each in ids]):
        assert _resolved(prompt=prompt) == _resolved()
    assert [each.seed for each in _resolved(prompt=[ids[:1], "abc"])] == ["H", "abc"]


def test_a_text_may_have_no_characters() -> None:
    """With `max_tokens` 0 nothing is generated, a text with a pattern included."""
    assert _resolved(max_tokens=0)[0].length == 0
    assert _resolved(max_tokens=0, structured_outputs={"regex": "[a-z]{4}"})[0].length == 0


@pytest.mark.parametrize("off", [0, -1])
def test_top_k_may_be_off(off: int) -> None:
    """0 and -1 draw from all characters, as with vLLM."""
    assert _resolved(top_k=off) == _resolved()
    with pytest.raises(InvalidRequest, match="top_k"):
        parse(CompletionRequest, b'{"prompt": "a", "top_k": -2}')


def test_an_unknown_key_of_an_object_is_told_the_keys_of_the_object() -> None:
    """A key that an object of the request lacks is named with the keys that the object has."""
    with pytest.raises(InvalidRequest) as caught:
        parse(CompletionRequest, b'{"prompt": "a", "structured_outputs": {"regexp": "b"}}')
    told = {each.field: each.message for each in caught.value.problems}
    assert told["structured_outputs.regexp"] == "there is no such field; the fields are regex"


@pytest.mark.parametrize("name", ["structured_outputs", "stream_options"])
def test_an_object_with_too_many_fields_is_one_problem(name: str) -> None:
    """An object inside a request may have as many fields as a request; beyond, the number is the one problem."""
    body = {"prompt": "a", name: {f"field{number}": 1 for number in range(MAX_FIELDS + 1)}}
    with pytest.raises(InvalidRequest) as caught:
        parse(CompletionRequest, json.dumps(body).encode())
    assert caught.value.problems == (FieldProblem(name, "51 fields are over the limit of 50"),)


def test_the_best_need_details() -> None:
    """More texts than are returned are generated, with the log-probabilities that rank them."""
    generations = _resolved(n=2, best_of=3)
    assert len(generations) == 3
    assert all(each.wants_details for each in generations)
    assert not _resolved(n=2, best_of=2)[0].wants_details


def test_each_prompt_is_read_once() -> None:
    """An echoed prompt is scored after its own first character, once for all of its texts."""
    prompts = prompts_to_read(_resolved(prompt=["Hello", "Hi", "H", ""], n=2))
    assert prompts == {"Hello": Given("H", "ello"), "Hi": Given("H", "i")}


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"prompt": [[1], [10**30]]}, "prompt"),
        ({"n": 128, "max_tokens": 9_000}, "n"),
        ({"n": 128, "max_tokens": 2_000, "logprobs": 0}, "logprobs"),
        ({"prompt": "a€"}, "prompt"),
        ({"prompt": ["a", "b" * 11]}, "prompt"),
        ({"max_tokens": 10_001}, "max_tokens"),
        ({"logit_bias": {"ab": 1}}, "logit_bias"),
        ({"logit_bias": {"€": 1}}, "logit_bias"),
        ({"structured_outputs": {"regex": "a(?=b)"}}, "structured_outputs.regex"),
    ],
)
def test_problems_have_openai_s_names(fields: dict[str, Any], field: str) -> None:
    """A limit that is exceeded is refused under the field's name in OpenAI's request."""
    with pytest.raises(InvalidRequest) as caught:
        _resolved(**fields)
    assert [problem.field for problem in caught.value.problems] == [field]
