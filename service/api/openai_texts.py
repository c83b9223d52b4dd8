"""Pieces of text as OpenAI's choices, with offsets, log-probabilities and usage."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from model_store import UNKNOWN
from service.api.likely import likely_characters
from service.api.openai_schemas import Choice, CompletionRequest, Logprobs, OpenAIReason, Usage
from service.generation.generator import Answer
from service.generation.merge import Arrival
from service.models.loading import LoadedModel
from service.stream.details import DIGITS, Details
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
        read: Mapping[str, Details],
    ) -> None:
        """Take a request and its texts.

        `read` has the details of an echoed prompt's characters but the first, which follows nothing.
        """
        self.model = f"{model.manifest.name}@{model.manifest.version}"
        self.counts_usage = bool(request.stream_options and request.stream_options.include_usage)
        self._request = request
        self._answers = answers
        self._prompts = [generation.seed for generation in generations]
        self._vocabulary = model.vocabulary
        self._read = read
        self._sent = [0] * len(generations)
        self._echoed = [not request.echo] * len(generations)

    def chunk(self, index: int, piece: Text | None) -> dict[str, Any]:
        """Return the choice of a text's next piece; None is the end of the text."""
        choice = self._choice(index, piece or Text(""))
        if piece is None:
            choice.finish_reason = _finish_reason(self._answers[index])
        return {"choices": [choice]}

    def whole(self, arrivals: Sequence[Arrival]) -> dict[str, Any]:
        """Return the choices and the usage; `arrivals` are complete."""
        texts = self._joined(arrivals)
        choices = []
        for place, index in enumerate(self._best(texts)):
            choice = self._choice(index, texts[index])
            choice.index, choice.finish_reason = place, _finish_reason(self._answers[index])
            choices.append(choice)
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

    def _choice(self, index: int, piece: Text) -> Choice:
        prompt = "" if self._echoed[index] else self._prompts[index]
        self._echoed[index] = True
        logprobs = None
        if self._request.logprobs is not None:
            offset = len(self._prompts[index]) + self._sent[index]
            logprobs = self._logprobs(prompt, piece, offset)
        self._sent[index] += len(piece)
        return Choice(text=prompt + piece.characters, index=index, logprobs=logprobs)

    def _logprobs(self, prompt: str, piece: Text, offset: int) -> Logprobs:
        """Return the log-probabilities of an echoed prompt and a piece.

        The first character follows nothing and has None; `offset` is the piece's place.
        """
        read, top_read = self._explained(Text(prompt[1:], self._read.get(prompt)))
        own, top = self._explained(piece)
        first = [None] * min(1, len(prompt))
        return Logprobs(
            tokens=[*prompt, *piece.characters],
            token_logprobs=[*first, *read, *own],
            top_logprobs=[*first, *top_read, *top],
            text_offset=[*range(offset - len(prompt), offset + len(piece))],
        )

    def _explained(self, piece: Text) -> tuple[list[float | None], list[dict[str, float]]]:
        """Return the log-probability of each character, and of the likeliest ones in its place.

        The unknown symbol of a prompt has no log-probability.
        """
        if piece.details is None:
            return [], []
        own = [
            None if character == UNKNOWN else round(logprob, DIGITS)
            for character, logprob in zip(
                piece.characters, piece.details.logprobs.tolist(), strict=True
            )
        ]
        likely = likely_characters(piece.details, self._vocabulary)
        top = [
            # The drawn character is always among the likely ones, as with OpenAI.
            {each.character: each.logprob for each in row[: self._request.logprobs]}
            | ({} if logprob is None else {character: logprob})
            for character, logprob, row in zip(piece.characters, own, likely, strict=True)
        ]
        return own, top


def _likelihood(text: Text) -> float:
    """Return the mean log-probability of a text's characters, by which OpenAI ranks texts."""
    if not text or text.details is None:
        return -np.inf
    return float(text.details.logprobs.mean(dtype=np.float64))


def _finish_reason(answer: Answer) -> OpenAIReason:
    """Return OpenAI's finish reason: `stop` for every text that does not reach its length."""
    return "length" if answer.finish_reason == "length" else "stop"
