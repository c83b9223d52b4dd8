"""Pieces of text as OpenAI's choices, with offsets, log-probabilities and usage.

A choice is a dictionary in the form of the schema `Choice`. The lists of log-probabilities are iterators,
which `pydantic_core.to_json` reads while it writes: the values of one block of characters are in memory.
"""

from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from itertools import chain
from time import monotonic
from typing import Any

import numpy as np

from model_store import UNKNOWN, Vocabulary
from service.api.explained import blocks, rounded
from service.api.openai_schemas import CompletionRequest, OpenAIReason, Usage
from service.generation.generator import Answer
from service.generation.merge import Arrival
from service.generation.resumed import QUIET
from service.models.loading import LoadedModel
from service.stream.details import Details
from service.stream.generation import Generation
from service.stream.text import Text


class Texts:
    """The texts of one completion, with the number of characters sent of each so far."""

    def __init__(
        self,
        request: CompletionRequest,
        generations: Sequence[Generation],
        answers: Sequence[Answer],
        model: LoadedModel,
    ) -> None:
        """Take a request and its texts."""
        self.model = f"{model.manifest.name}@{model.manifest.version}"
        self.counts_usage = bool(request.stream_options and request.stream_options.include_usage)
        self._request = request
        self._answers = answers
        self._prompts = [generation.seed for generation in generations]
        self._vocabulary = model.vocabulary
        # Of an echoed prompt, the details of each character but the first, which follows nothing.
        self._read: dict[str, Details] = {}
        self._sent = [0] * len(generations)
        self._echoed = [not request.echo] * len(generations)

    def after_reading(
        self, prompts: Iterable[str], read: Generator[Details], arrivals: Generator[Arrival]
    ) -> Generator[Arrival]:
        """Keep what is read of each echoed prompt, and then yield the arrivals of the texts.

        An empty piece says that the reading goes on.
        """
        unread, loud = iter(prompts), monotonic() + QUIET
        with closing(arrivals), closing(read):
            for details in read:
                if details:
                    self._read[next(unread)] = details
                if not details or monotonic() >= loud:
                    yield 0, Text("")
                    loud = monotonic() + QUIET
            yield from arrivals

    def chunk(self, index: int, piece: Text | None) -> dict[str, Any]:
        """Return the choice of a text's next piece; None is the end of the text."""
        reason = None if piece is not None else _finish_reason(self._answers[index])
        choice = self._choice(index, piece or Text(""))
        return {"choices": [choice | {"finish_reason": reason}]}

    def whole(self, arrivals: Sequence[Arrival]) -> dict[str, Any]:
        """Return the choices and the usage; `arrivals` are complete."""
        texts = self._joined(arrivals)
        choices = [
            self._choice(index, texts[index])
            | {"index": place, "finish_reason": _finish_reason(self._answers[index])}
            for place, index in enumerate(self._best(texts))
        ]
        self._sent = [len(text) for text in texts]
        return {"choices": choices, "usage": self.usage()}

    def usage(self) -> Usage:
        """Count the characters; a prompt counts once, although n texts follow it."""
        read, sent = sum(map(len, self._prompts[:: self._request.drawn])), sum(self._sent)
        return Usage(prompt_tokens=read, completion_tokens=sent, total_tokens=read + sent)

    def _joined(self, arrivals: Sequence[Arrival]) -> list[Text]:
        pieces: list[list[Text]] = [[] for _ in self._answers]
        for index, piece in arrivals:
            if piece:
                pieces[index].append(piece)
        return [sum(each[1:], start=each[0]) if each else Text("") for each in pieces]

    def _best(self, texts: Sequence[Text]) -> list[int]:
        """Return the indices of the n likeliest texts of each prompt, where more were drawn."""
        drawn, n = self._request.drawn, self._request.n
        if drawn == n:
            return [*range(len(texts))]
        groups = (range(first, first + drawn) for first in range(0, len(texts), drawn))
        return [
            index
            for group in groups
            for index in sorted(group, key=lambda index: -_likelihood(texts[index]))[:n]
        ]

    def _choice(self, index: int, piece: Text) -> dict[str, Any]:
        prompt = "" if self._echoed[index] else self._prompts[index]
        self._echoed[index] = True
        logprobs = None
        if self._request.logprobs is not None:
            offset = len(self._prompts[index]) + self._sent[index]
            logprobs = self._logprobs(prompt, piece, offset)
        self._sent[index] += len(piece)
        text = prompt + piece.characters
        return {"text": text, "index": index, "logprobs": logprobs, "finish_reason": None}

    def _logprobs(self, prompt: str, piece: Text, offset: int) -> dict[str, Any]:
        """Return the log-probabilities of an echoed prompt and a piece, in the form of the schema `Logprobs`.

        The first character follows nothing and has None; `offset` is the piece's place.
        """
        first = [None] * min(1, len(prompt))
        explained = Text(prompt[1:], self._read.get(prompt)), piece
        top = (
            _top_logprobs(text, self._vocabulary, self._request.logprobs or 0) for text in explained
        )
        return {
            "tokens": [*prompt, *piece.characters],
            "token_logprobs": chain(first, *map(_token_logprobs, explained)),
            "top_logprobs": chain(first, *top),
            "text_offset": [*range(offset - len(prompt), offset + len(piece))],
        }


def _token_logprobs(text: Text) -> Iterator[float | None]:
    """Yield the log-probability of each character; the unknown symbol of a prompt has none."""
    for block in blocks(text):
        if block.details is not None:
            own = zip(block.characters, rounded(block.details.logprobs), strict=True)
            yield from (None if character == UNKNOWN else logprob for character, logprob in own)


def _top_logprobs(text: Text, vocabulary: Vocabulary, most: int) -> Iterator[dict[str, float]]:
    """Yield the log-probabilities of at most `most` likely characters in each place.

    The character itself is always among the characters, as with OpenAI.
    """
    symbols = vocabulary.symbols
    for block in blocks(text):
        if block.details is not None:
            ids = block.details.top_ids[:, :most].tolist()
            logprobs = rounded(block.details.top_logprobs[:, :most])
            own = zip(block.characters, _token_logprobs(block), strict=True)
            for (character, logprob), *likely in zip(own, ids, logprobs, strict=True):
                top = {symbols[id_]: one for id_, one in zip(*likely, strict=True)}
                yield top if logprob is None else top | {character: logprob}


def _likelihood(text: Text) -> float:
    """Return the mean log-probability of a text's characters, by which OpenAI ranks texts."""
    if not text or text.details is None:
        return -np.inf
    return float(text.details.logprobs.mean(dtype=np.float64))


def _finish_reason(answer: Answer) -> OpenAIReason:
    """Return OpenAI's finish reason: `stop` for every text that does not reach its length."""
    return "length" if answer.finish_reason == "length" else "stop"
