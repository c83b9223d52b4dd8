"""Details of characters as plain JSON values, made from arrays a block at a time."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic_core import to_json

from model_store import Vocabulary
from service.stream.details import DIGITS
from service.stream.text import Text

BLOCK = 256  # characters; the values of one block take 0.5 MB of memory, its JSON takes 0.1 MB


def blocks(text: Text) -> Iterator[Text]:
    """Yield a text with details in parts of at most `BLOCK` characters, any other text whole."""
    size = BLOCK if text.details is not None else len(text)
    yield from (text[begin : begin + size] for begin in range(0, len(text), size or 1))


def explained(text: Text, vocabulary: Vocabulary) -> list[dict[str, Any]]:
    """Return the details of each character, in the form of the schema `CharacterDetails`.

    A text without details has none.
    """
    details = text.details
    if details is None:
        return []
    likely = zip(details.top_ids.tolist(), rounded(details.top_logprobs), strict=True)
    symbols = vocabulary.symbols
    top = [
        [
            {"character": symbols[id_], "logprob": logprob}
            for id_, logprob in zip(ids, logprobs, strict=True)
        ]
        for ids, logprobs in likely
    ]
    each = zip(text.characters, rounded(details.logprobs), top, strict=True)
    return [{"character": one, "logprob": logprob, "top": row} for one, logprob, row in each]


def explained_json(pieces: Iterable[Text], vocabulary: Vocabulary) -> bytes:
    """Return the details of each character as one JSON array, with the bytes that pydantic writes."""
    parts = (
        to_json(explained(block, vocabulary), inf_nan_mode="null")[1:-1]
        for piece in pieces
        for block in blocks(piece)
    )
    return b"[%b]" % b",".join(parts)


def rounded(logprobs: NDArray[np.float32]) -> Any:
    """Return nested lists of numbers with `DIGITS` decimals, equal to those of Python's `round`.

    The product of a float32 and 10⁵ is exact in float64, so NumPy rounds the number itself.
    """
    return logprobs.astype(np.float64).round(DIGITS).tolist()
