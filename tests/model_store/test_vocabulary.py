"""The translation between text and ids."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_store import InvalidVocabulary, UnknownCharacters, Vocabulary, VocabularyTooLarge

ANY_TEXT = st.text()
WITH_SURROGATES = st.text(st.characters(exclude_categories=()))


@given(st.text(min_size=1))
def test_text_survives_the_round_trip(text: str) -> None:
    """Any text survives the way through ids, and any vocabulary the way through JSON."""
    vocabulary = Vocabulary.from_text(text)
    ids = vocabulary.encode(text)
    assert ids.dtype == np.int64
    assert ids.tolist() == [vocabulary.symbols.index(symbol) for symbol in text]
    assert vocabulary.decode(ids) == text
    assert Vocabulary.from_json(vocabulary.to_json()) == vocabulary
    assert Vocabulary.from_json(vocabulary.to_json().encode()) == vocabulary


@given(st.text(min_size=1), WITH_SURROGATES)
def test_unknown_characters_are_named_once_in_order(known: str, text: str) -> None:
    """Encoding fails exactly if characters are unknown, and names each unknown character once."""
    vocabulary = Vocabulary.from_text(known)
    expected = tuple(dict.fromkeys(symbol for symbol in text if symbol not in known))
    assert vocabulary.unknown(text) == expected
    assert vocabulary.drop_unknown(text) == "".join(s for s in text if s in known)
    if expected:
        with pytest.raises(UnknownCharacters) as caught:
            vocabulary.encode(text)
        assert caught.value.characters == expected
        str(caught.value).encode()
    else:
        assert len(vocabulary.encode(text)) == len(text)


@given(WITH_SURROGATES | st.binary())
def test_only_a_vocabulary_is_read_as_one(data: str | bytes) -> None:
    """Any bytes that are no vocabulary in JSON are refused."""
    with pytest.raises(InvalidVocabulary):
        Vocabulary.from_json(data)


@pytest.mark.parametrize(
    "symbols", [[], ["b", "a"], ["a", "a"], ["ab"], [""], ["\ud800"], [1], "abc", None]
)
def test_bad_symbols_are_refused(symbols: object) -> None:
    """Symbols that are unsorted, repeated, empty or not single characters are refused."""
    with pytest.raises(InvalidVocabulary):
        Vocabulary.from_json(json.dumps({"symbols": symbols}))


def test_too_many_characters_are_refused() -> None:
    """The error of too many distinct characters asks whether the file is a text."""
    text = "".join(map(chr, range(1000, 2001)))
    with pytest.raises(VocabularyTooLarge, match=r"1,001 .* limit is 1,000: is this a text file\?"):
        Vocabulary.from_text(text)
    assert len(Vocabulary.from_text(text, max_size=1001)) == 1001


@pytest.mark.parametrize("ids", [[0, 3], [-1]])
def test_ids_outside_the_vocabulary_are_refused(ids: list[int]) -> None:
    """An id outside the vocabulary is an error, a negative id too."""
    with pytest.raises(IndexError):
        Vocabulary.from_text("abc").decode(ids)


def test_nothing_is_nothing() -> None:
    """The empty text and no ids translate into each other."""
    vocabulary = Vocabulary.from_text("abc")
    assert vocabulary.encode("").shape == (0,)
    assert vocabulary.decode([]) == ""
