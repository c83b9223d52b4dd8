"""Pieces of text become OpenAI's choices, streamed or whole."""

import tracemalloc
from collections.abc import Generator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter
from pydantic_core import to_json

from model_store import UNKNOWN
from service.api.explained import BLOCK
from service.api.openai_resolve import resolve_completion
from service.api.openai_schemas import Choice, CompletionRequest
from service.api.openai_texts import Texts
from service.generation.generator import Answer
from service.generation.merge import Arrival
from service.settings import Settings
from service.stream.text import Text
from tests.fake_engines import details_of, fake_model

MODEL = fake_model()
SCHEMA = TypeAdapter(list[Choice])
ARRIVAL = (0, Text("Hello"))
LIKELIEST = [MODEL.vocabulary.symbols[id_] for id_ in range(5)]  # the likeliest of a fake engine


def _texts(**fields: Any) -> tuple[Texts, list[Answer]]:
    request = CompletionRequest.model_validate({"prompt": "Hi"} | fields)
    generations = resolve_completion(request, MODEL, Settings())
    answers = [Answer("miss") for _ in generations]
    texts = Texts(request, generations, answers, MODEL)
    if request.reads_prompts:
        assert [*_read(texts, "", "i")] == [(0, Text("")), ARRIVAL]
    return texts, answers


def _read(texts: Texts, *parts: str) -> Generator[Arrival]:
    """Let texts wait for the details of the prompt; no character is a sign that the reading goes on."""
    read = (details_of(MODEL.vocabulary.encode(part)) for part in parts)
    return texts.after_reading(["Hi"], read, (each for each in [ARRIVAL]))


def _piece(characters: str) -> Text:
    return Text(characters, details_of(MODEL.vocabulary.encode(characters)))


def _choice(texts: Texts, index: int, piece: Text | None) -> Choice:
    (choice,) = _choices(texts.chunk(index, piece))
    return choice


def _choices(answer: dict[str, Any]) -> list[Choice]:
    """Return the choices of an answer, whose JSON must be byte for byte that of the schema."""
    written = to_json(answer["choices"])
    choices = SCHEMA.validate_json(written)
    assert SCHEMA.dump_json(choices) == written
    return choices


def test_the_model_is_named_with_its_version() -> None:
    """An answer names the model with its version."""
    assert _texts()[0].model == "fake@3"


def test_a_stream_ends_with_its_finish_reason() -> None:
    """The end of each text is an empty choice with the finish reason; pieces have none."""
    texts, answers = _texts(n=2)
    assert _choice(texts, 1, Text("ab")) == Choice(text="ab", index=1)
    answers[1].finish_reason = "stop"
    assert _choice(texts, 1, None) == Choice(text="", index=1, finish_reason="stop")
    assert _choice(texts, 0, None) == Choice(text="", index=0, finish_reason="length")


def test_whole_texts_are_put_together() -> None:
    """Pieces that arrived in turn become one choice for each text, in the order of the texts."""
    texts, _ = _texts(n=2)
    arrivals = [(1, Text("c")), (0, Text("a")), (1, Text("d")), (0, Text("b")), (1, None)]
    choices = _choices(texts.whole(arrivals))
    assert [(each.index, each.text) for each in choices] == [(0, "ab"), (1, "cd")]


def test_a_text_without_a_piece_is_empty() -> None:
    """A text that stopped at once is an empty choice."""
    texts, answers = _texts(logprobs=1)
    answers[0].finish_reason = "stop"
    (choice,) = _choices(texts.whole([(0, None)]))
    assert choice.logprobs is not None
    assert (choice.text, choice.finish_reason, choice.logprobs.tokens) == ("", "stop", [])


def test_the_best_texts_of_each_prompt_are_returned() -> None:
    """Of `best_of` texts of a prompt, the n with the highest mean log-probability come, the best first."""
    texts, _ = _texts(prompt=["Hi", "Hello"], n=2, best_of=3)
    likelihoods = [-3.0, -1.0, -2.0, -1.0, -3.0, -2.0]
    arrivals = [(index, _likely(value)) for index, value in enumerate(likelihoods)]
    answer = texts.whole([*arrivals, (0, _likely(-9.0))])
    choices = _choices(answer)
    assert [(each.index, each.text) for each in choices] == [
        *((0, "1"), (1, "2")),
        *((2, "1"), (3, "2")),
    ]
    assert choices[0].logprobs is None
    assert answer["usage"].completion_tokens == 7


def _likely(logprob: float) -> Text:
    """A text of one character, named by its log-probability."""
    details = details_of(np.zeros(1, np.int64))
    return Text(f"{-logprob:.0f}", replace(details, logprobs=np.array([logprob], np.float32)))


def test_usage_counts_each_prompt_once() -> None:
    """A prompt counts once for its n texts; every drawn character counts."""
    texts, _ = _texts(prompt=["Hi", "Hello"], n=2)
    for index, piece in enumerate(("a", "bc", "def", "")):
        texts.chunk(index, Text(piece))
    usage = texts.usage()
    assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (7, 6, 13)


@pytest.mark.parametrize(
    ("options", "counts"), [(None, False), ({}, False), ({"include_usage": True}, True)]
)
def test_a_stream_counts_usage_on_request(options: dict[str, bool] | None, counts: bool) -> None:
    """Only `stream_options.include_usage` asks for usage at a stream's end."""
    assert _texts(stream_options=options)[0].counts_usage is counts


def test_the_prompt_is_echoed_once() -> None:
    """With `echo` the first piece of each text begins with the prompt."""
    texts, _ = _texts(echo=True, n=2)
    said = [_choice(texts, index, Text("x")).text for index in (0, 0, 1)]
    assert said == ["Hix", "x", "Hix"]


def test_each_character_has_its_log_probability() -> None:
    """A character has its log-probability, and beside the asked number of likely ones its own."""
    texts, _ = _texts(logprobs=2)
    logprobs = _choice(texts, 0, _piece("yz")).logprobs
    assert logprobs is not None
    assert logprobs.tokens == ["y", "z"]
    assert logprobs.token_logprobs == [-0.33333] * 2
    assert logprobs.top_logprobs == [
        {LIKELIEST[0]: 0.0, LIKELIEST[1]: -0.33333, own: -0.33333} for own in "yz"
    ]


def test_the_unknown_symbol_of_a_prompt_has_no_log_probability() -> None:
    """In the place of an unknown symbol of a text, the likely characters alone have log-probabilities."""
    texts, _ = _texts(logprobs=1)
    logprobs = _choice(texts, 0, Text(UNKNOWN, details_of(np.array([9])))).logprobs
    assert logprobs is not None
    assert logprobs.token_logprobs == [None]
    assert logprobs.top_logprobs == [{LIKELIEST[0]: 0.0}]


def test_a_long_text_is_explained_block_by_block() -> None:
    """The log-probabilities of a text of many blocks are written one after the other, each in its place."""
    characters = "".join(MODEL.vocabulary.symbols[5 + place % 7] for place in range(2 * BLOCK + 1))
    piece = _piece(characters)
    assert piece.details is not None
    piece.details.logprobs[:] = -np.arange(len(piece), dtype=np.float32)
    logprobs = _choice(_texts(logprobs=1)[0], 0, piece).logprobs
    assert logprobs is not None
    assert "".join(logprobs.tokens) == characters
    assert logprobs.token_logprobs == [-float(place) for place in range(len(piece))]
    assert logprobs.top_logprobs == [
        {LIKELIEST[0]: 0.0, own: -float(place)} for place, own in enumerate(characters)
    ]


def test_log_probabilities_take_little_more_memory_than_their_json() -> None:
    """While the JSON of a long text is written, the values of a block alone are in memory."""
    piece = _piece("abcdefgh" * 1_250)
    texts, _ = _texts(logprobs=5)
    tracemalloc.start()
    try:
        written = to_json(texts.chunk(0, piece))
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 5 * len(written)


def test_no_likely_characters_may_be_asked_for() -> None:
    """With `logprobs` 0 only the character itself is shown."""
    texts, _ = _texts(logprobs=0)
    logprobs = _choice(texts, 0, _piece("z")).logprobs
    assert logprobs is not None
    assert logprobs.top_logprobs == [{"z": -0.33333}]


def test_offsets_count_from_the_prompt() -> None:
    """Offsets count on from piece to piece; of an echoed prompt only the first character has no log-probability."""
    texts, _ = _texts(logprobs=1, echo=True)
    first, second = (_choice(texts, 0, _piece(piece)).logprobs for piece in ("ab", "c"))
    assert first is not None
    assert second is not None
    assert first.tokens == ["H", "i", "a", "b"]
    assert (first.text_offset, second.text_offset) == ([0, 1, 2, 3], [4])
    assert first.token_logprobs == [None, *[-0.33333] * 3]
    assert first.top_logprobs == [None, *({LIKELIEST[0]: 0.0, own: -0.33333} for own in "iab")]
    without_echo = _choice(_texts(logprobs=1)[0], 0, _piece("a")).logprobs
    assert without_echo is not None
    assert without_echo.text_offset == [2]
