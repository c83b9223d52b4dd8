"""Details of characters as plain JSON values."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pydantic import TypeAdapter

from model_store import Vocabulary
from service.api.explained import BLOCK, blocks, explained, explained_json
from service.api.schemas import CharacterDetails, Likely
from service.stream.details import DIGITS, LIKELIEST, Details
from service.stream.text import Text
from tests.factories import SYMBOLS

VOCABULARY = Vocabulary(SYMBOLS)
SCHEMA = TypeAdapter(list[CharacterDetails])
logprobs = st.floats(-100, 0, width=32)


def text_of(size: int) -> Text:
    """Return characters with random details."""
    rng = np.random.default_rng(size)
    ids = rng.integers(0, len(SYMBOLS), (size, LIKELIEST)).astype(np.uint16)
    values = rng.normal(-5, 3, (size, LIKELIEST)).astype(np.float32)
    characters = VOCABULARY.decode(ids[:, 0])
    return Text(characters, Details(values[:, 0].copy(), ids, values))


def by_schema(text: Text) -> list[CharacterDetails]:
    """Return the details as pydantic's objects, each number rounded by Python."""
    details = text.details
    assert details is not None
    return [
        CharacterDetails(
            character=character,
            logprob=round(float(details.logprobs[place]), DIGITS),
            top=[
                Likely(character=SYMBOLS[id_], logprob=round(float(value), DIGITS))
                for id_, value in zip(
                    details.top_ids[place], details.top_logprobs[place], strict=True
                )
            ],
        )
        for place, character in enumerate(text.characters)
    ]


@pytest.mark.parametrize("size", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK])
def test_the_bytes_are_those_of_the_schema(size: int) -> None:
    """The JSON of a text of any length is byte for byte the JSON of pydantic's objects."""
    text = text_of(size)
    assert explained_json([text], VOCABULARY) == SCHEMA.dump_json(by_schema(text))


def test_pieces_make_one_array() -> None:
    """A text in pieces, an empty piece among them, has the JSON of the whole text."""
    text = text_of(3 * BLOCK)
    pieces = [text[:5], text[5:5], text[5 : BLOCK + 9], text[BLOCK + 9 :]]
    assert explained_json(pieces, VOCABULARY) == explained_json([text], VOCABULARY)


@given(arrays(np.float32, (7,), elements=logprobs))
def test_numbers_are_rounded_as_by_python(values: np.ndarray) -> None:
    """Each log-probability is the number that Python's `round` gives, the same digit for digit."""
    top = values.reshape(-1, 1)
    text = Text("a" * len(values), Details(values, np.zeros(top.shape, np.uint16), top))
    shown = [each["logprob"] for each in explained(text, VOCABULARY)]
    assert list(map(repr, shown)) == [repr(round(float(value), DIGITS)) for value in values]


def test_halves_are_rounded_as_by_python() -> None:
    """A number in the middle between two decimals goes to the even one, as Python's `round` does."""
    values = -np.arange(1, 2**12, dtype=np.float32) / np.float32(2**6)
    text = Text(
        "a" * len(values),
        Details(
            values, np.zeros((len(values), 0), np.uint16), np.zeros((len(values), 0), np.float32)
        ),
    )
    shown = [each["logprob"] for each in explained(text, VOCABULARY)]
    assert shown == [round(float(value), DIGITS) for value in values]


def test_a_text_is_cut_only_for_its_details() -> None:
    """A text with details comes in blocks that make up the text; any other text comes whole."""
    text = text_of(2 * BLOCK + 1)
    parts = list(blocks(text))
    assert [len(part) for part in parts] == [BLOCK, BLOCK, 1]
    assert "".join(part.characters for part in parts) == text.characters
    assert list(blocks(Text(text.characters))) == [Text(text.characters)]
    assert list(blocks(Text(""))) == []


def test_a_text_without_details_has_none() -> None:
    """A text that was drawn without details has an empty array."""
    assert json.loads(explained_json([Text("abc")], VOCABULARY)) == []
