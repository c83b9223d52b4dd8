"""A request becomes a generation: every default is decided, every limit checked."""

from dataclasses import replace
from typing import Any

import pytest

from service.api.resolve import resolve
from service.api.schemas import MAX_RANDOM_SEED, GenerateRequest
from service.errors import InvalidRequest
from service.settings import Settings
from service.stream.automaton import FAR, Walk
from service.stream.generation import Generation, Pattern, Sampling
from tests.factories import SYMBOLS
from tests.fake_engines import fake_model

MODEL = fake_model()
LIMITED = Settings(max_length=20, max_seed_chars=10)


def _resolved(**fields: Any) -> Generation:
    return resolve(GenerateRequest.model_validate({"seed": "Hello"} | fields), MODEL, Settings())


def _problems(**fields: Any) -> dict[str, str]:
    with pytest.raises(InvalidRequest) as caught:
        resolve(
            GenerateRequest.model_validate({"seed": "Hello", "length": 5} | fields), MODEL, LIMITED
        )
    return {problem.field: problem.message for problem in caught.value.problems}


def test_defaults() -> None:
    """Only the seed text is required; the rest is temperature 1, 400 characters, random seed 0."""
    generation = _resolved()
    assert generation.stream.sampling == Sampling(1.0, top_k=None, top_p=None, random_seed=0)
    assert generation.stream.identity == MODEL.identity
    assert (generation.seed, generation.stream.prompt) == ("Hello", "Hello")
    assert (generation.length, generation.stop, generation.wants_details) == (400, (), False)


def test_the_default_length_follows_a_lower_limit() -> None:
    """Without `length`, a service with a limit below 400 characters generates up to its limit."""
    assert resolve(GenerateRequest(seed="Hello"), MODEL, LIMITED).length == 20
    with pytest.raises(InvalidRequest, match="length: 400 is over the limit of 20"):
        resolve(GenerateRequest(seed="Hello", length=400), MODEL, LIMITED)


def test_an_empty_seed_text_has_a_prompt() -> None:
    """The prompt of an empty seed text is a line end; the seed text stays empty."""
    generation = _resolved(seed="")
    assert (generation.seed, generation.stream.prompt) == ("", "\n")


def test_without_a_line_end_the_first_symbol_is_the_prompt() -> None:
    """A vocabulary without a line end starts an empty seed text with its first symbol."""
    model = fake_model(symbols=("b", "c"))
    generation = resolve(GenerateRequest(seed=""), model, Settings())
    assert generation.stream.prompt == "b"


def test_texts_are_composed() -> None:
    """Seed text and stop strings are in NFC form, so that equal texts are equal requests."""
    generation = _resolved(seed="scho\u0308n", stop=["u\u0308"])
    assert (generation.seed, generation.stop) == ("sch\u00f6n", ("\u00fc",))


def test_equal_distributions_are_equal_sampling() -> None:
    """A top_k of the whole vocabulary and a top_p of 1 restrict nothing, and are the same stream."""
    free = _resolved().stream
    assert _resolved(top_k=len(SYMBOLS), top_p=1.0).stream == free
    assert _resolved(top_k=len(SYMBOLS) - 1).stream != free
    assert _resolved(top_p=0.99).stream != free


def test_limits_that_leave_nothing_out_are_no_limits() -> None:
    """A min_p of 0, a typical_p of 1 and the window of no penalty are the same stream as none."""
    free = _resolved().stream
    assert _resolved(min_p=0.0, typical_p=1.0, repetition_window=5).stream == free
    for changed in ({"min_p": 0.1}, {"typical_p": 0.9}, {"repetition_penalty": 1.2}):
        assert _resolved(**changed).stream != free


def test_a_pattern_belongs_to_the_stream_with_its_longest_text() -> None:
    """The length counts as far as a text of the pattern can reach, and is cut there."""
    short = _resolved(pattern="[a-z]{2,5}")
    assert short.stream.sampling.pattern == Pattern("[a-z]{2,5}", 5)
    assert (short.length, short.automaton is not None) == (5, True)
    assert _resolved(pattern="[a-z]{2,5}", length=99).stream == short.stream
    assert _resolved(pattern="[a-z]{2,5}", length=4).stream != short.stream
    assert _resolved(pattern="[a-z]+", length=7).length == 7


def test_a_pattern_knows_where_a_model_ends_its_texts() -> None:
    """In a model of many short texts no pattern takes the symbol that ends a text."""
    corpus = MODEL.manifest.corpus.model_copy(update={"texts": 3})
    manifest = MODEL.manifest.model_copy(update={"corpus": corpus})
    request = GenerateRequest(seed="", pattern=r"(?s:..)|\s")
    lines = resolve(request, replace(MODEL, manifest=manifest), Settings()).automaton
    running = resolve(request, MODEL, Settings()).automaton
    assert lines is not None
    assert running is not None
    id_ = SYMBOLS.index("\n")
    assert (Walk(running, 2).needed[id_], Walk(lines, 2).needed[id_] >= FAR) == (1, True)


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("[0-9]", "no text in the characters that the model knows matches this pattern"),
        ("", "the empty text alone"),
        ("a{6,}", "the shortest text has 6 characters, which is over the length of 5"),
        ("(?=a)", "look-ahead and look-behind"),
        ("(a|b)*a(a|b){20}", "too large"),
    ],
)
def test_a_pattern_without_a_text_is_refused(pattern: str, message: str) -> None:
    """A pattern that no text can match, or that cannot be followed, is refused with the reason."""
    assert message in _problems(pattern=f"(?:{pattern})")["pattern"]


def test_null_draws_a_random_seed() -> None:
    """A null random seed is decided, anew for each request, and within the bounds of the field."""
    seeds = {_resolved(random_seed=None).stream.sampling.random_seed for _ in range(5)}
    assert len(seeds) == 5
    assert all(0 <= seed <= MAX_RANDOM_SEED for seed in seeds)


def test_unknown_characters_are_named_with_the_remedy() -> None:
    """Each unknown character is named once, and the message says how to drop them all."""
    assert _problems(seed="a€b€7") == {
        "seed": "the model does not know '€', '7'; send \"unknown\": \"drop\" to omit them"
    }


def test_at_most_twenty_unknown_characters_are_named() -> None:
    """A seed text in an unknown script has a short message."""
    many = "".join(map(chr, range(0x4E00, 0x4E00 + 30)))
    with pytest.raises(InvalidRequest) as caught:
        _resolved(seed=many)
    message = caught.value.problems[0].message
    assert (message.count("'"), "…" in message) == (40, True)


def test_unknown_characters_are_dropped_on_request() -> None:
    """With `unknown` "drop" only known characters count against the limit of the seed text."""
    request = GenerateRequest(seed="a€" * 10, length=5, unknown="drop")
    assert resolve(request, MODEL, LIMITED).seed == "a" * 10


@pytest.mark.parametrize(
    ("fields", "problems"),
    [
        ({"seed": "a" * 11}, {"seed": "11 is over the limit of 10"}),
        ({"length": 21}, {"length": "21 is over the limit of 20"}),
        (
            {"seed": "a" * 11, "length": 21},
            {"seed": "11 is over the limit of 10", "length": "21 is over the limit of 20"},
        ),
    ],
)
def test_each_limit_is_refused_with_its_field(
    fields: dict[str, Any], problems: dict[str, str]
) -> None:
    """Every field over a limit is named, all at once."""
    assert _problems(**fields) == problems


def test_a_request_at_the_limits_is_resolved() -> None:
    """The limits themselves are allowed."""
    generation = resolve(GenerateRequest(seed="a" * 10, length=20), MODEL, LIMITED)
    assert (len(generation.seed), generation.length) == (10, 20)
