"""The vocabulary: the characters that a model knows, and the translation between text and ids."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from model_store.errors import (
    InvalidVocabulary,
    UnknownCharacters,
    VocabularyTooLarge,
    quoted,
)

# The unknown symbol, which stands for every symbol too rare to learn. A model reads the unknown symbol
# and never writes the unknown symbol.
UNKNOWN = "\N{REPLACEMENT CHARACTER}"
# The symbols of which one stands before each text and after the last one in a corpus of many short texts.
LINE_END, TEXT_END = "\n", "\N{END OF TEXT}"

_CODE_POINT = np.dtype("<u4")


@dataclass(frozen=True)
class Vocabulary:
    """Distinct single characters in code point order; the id of a character is its place.

    Raises:
        InvalidVocabulary: the symbols are empty, unsorted, repeated or not single characters.
    """

    symbols: tuple[str, ...]

    def __post_init__(self) -> None:
        """Check the symbols, so that every existing vocabulary is valid."""
        if not self.symbols:
            raise InvalidVocabulary("a vocabulary needs a character: the text is empty")
        for symbol in self.symbols:
            if len(symbol) != 1 or _is_surrogate(symbol):
                raise InvalidVocabulary(f"{quoted(symbol)} is not one Unicode character")
        for left, right in pairwise(self.symbols):
            if left >= right:
                raise InvalidVocabulary(
                    f"{quoted(right)} follows {quoted(left)}: "
                    "each character stands once, in code point order"
                )

    @classmethod
    def from_text(cls, text: str, max_size: int = 1000) -> "Vocabulary":
        """Return the vocabulary of a text.

        Raises:
            VocabularyTooLarge: the text has more than `max_size` distinct characters.
            InvalidVocabulary: the text is empty.
        """
        found = set(text)
        if len(found) > max_size:
            raise VocabularyTooLarge(len(found), max_size)
        return cls(tuple(sorted(found)))

    @classmethod
    def from_json(cls, data: str | bytes) -> "Vocabulary":
        """Return the vocabulary that `to_json` wrote, or raise `InvalidVocabulary`."""
        raw = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
        try:
            return cls(_File.model_validate_json(raw).symbols)
        except ValidationError as error:
            problem = error.errors()[0]["msg"]
            raise InvalidVocabulary(f"this is not a vocabulary in JSON: {problem}") from error

    def to_json(self) -> str:
        """Return the vocabulary as JSON."""
        return json.dumps({"symbols": self.symbols}, ensure_ascii=False)

    def __len__(self) -> int:
        """Return the number of characters."""
        return len(self.symbols)

    def encode(self, text: str) -> NDArray[np.int64]:
        """Return the ids of a text's characters, shape `[len(text)]`.

        Raises:
            UnknownCharacters: names every character that the vocabulary lacks.
        """
        # Lone surrogates pass the encoding, and are then reported as unknown characters.
        codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=_CODE_POINT)
        ids = np.searchsorted(self._codes, codes)
        if not np.array_equal(self._codes.take(ids, mode="clip"), codes):
            raise UnknownCharacters(self.unknown(text))
        return ids.astype(np.int64, copy=False)

    def decode(self, ids: NDArray[np.integer[Any]] | Sequence[int]) -> str:
        """Return the text of ids; raises `IndexError` for an id outside the vocabulary."""
        places = np.asarray(ids, dtype=np.int64)
        if places.size and places.min() < 0:
            raise IndexError(f"id {places.min()} is negative: ids are 0 to {len(self) - 1}")
        return self._codes[places].tobytes().decode("utf-32-le")

    @property
    def unknown_id(self) -> int | None:
        """The id of UNKNOWN, or None for a vocabulary without UNKNOWN."""
        return self.symbols.index(UNKNOWN) if UNKNOWN in self.symbols else None

    @property
    def text_end(self) -> str:
        """The symbol that ends each of many short texts: TEXT_END where texts have several lines."""
        return TEXT_END if TEXT_END in self.known else LINE_END

    def unknown(self, text: str) -> tuple[str, ...]:
        """Return the distinct characters that the vocabulary lacks, in order of appearance."""
        return tuple(symbol for symbol in dict.fromkeys(text) if symbol not in self.known)

    def drop_unknown(self, text: str) -> str:
        """Return the text without the characters that the vocabulary lacks."""
        return "".join(filter(self.known.__contains__, text))

    @cached_property
    def _codes(self) -> NDArray[np.uint32]:
        return np.array([ord(symbol) for symbol in self.symbols], dtype=_CODE_POINT)

    @cached_property
    def known(self) -> frozenset[str]:
        """The symbols as a set."""
        return frozenset(self.symbols)


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    symbols: tuple[str, ...]


def _is_surrogate(symbol: str) -> bool:
    return "\ud800" <= symbol <= "\udfff"
