"""The likeliest characters of a place in a text, as an answer shows them."""

import numpy as np
from numpy.typing import NDArray

from model_store import UNKNOWN, Vocabulary
from service.api.schemas import Likely
from service.stream.details import DIGITS, Details


def likely_characters(details: Details, vocabulary: Vocabulary) -> list[list[Likely]]:
    """Return the k likeliest characters of each of N places, in falling order.

    `details` has `top_ids` and `top_logprobs` of shape [N, k]; the result has N lists of k.
    """
    return [
        [
            Likely(character=vocabulary.symbols[id_], logprob=round(logprob, DIGITS))
            for id_, logprob in zip(ids, logprobs, strict=True)
        ]
        for ids, logprobs in zip(
            details.top_ids.tolist(), details.top_logprobs.tolist(), strict=True
        )
    ]


def every_character(logprobs: NDArray[np.float32], vocabulary: Vocabulary) -> list[Likely]:
    """Return the characters that may come, in falling order of logprobs [V]; UNKNOWN never comes."""
    order = np.argsort(-logprobs, kind="stable").tolist()
    return [
        Likely(character=vocabulary.symbols[id_], logprob=round(float(logprobs[id_]), DIGITS))
        for id_ in order
        if vocabulary.symbols[id_] != UNKNOWN
    ]
