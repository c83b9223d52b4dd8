"""Pieces of text as OpenAI's choices, with offsets, log-probabilities and usage."""

from collections.abc import Sequence
from typing import Any

from service.api.openai_schemas import Choice, CompletionRequest, Logprobs, Usage
from service.generation.generator import Answer
from service.generation.merge import Arrival
from service.models.loading import LoadedModel
from service.stream.details import DIGITS
from service.stream.generation import Generation
from service.stream.text import Text


class Texts:
    """The texts of one completion: what each has said so far."""

    def __init__(
        self,
        request: CompletionRequest,
        generations: Sequence[Generation],
        answers: Sequence[Answer],
        model: LoadedModel,
    ) -> None:
        self.model = f"{model.manifest.name}@{model.manifest.version}"
        self.counts_usage = bool(request.stream_options and request.stream_options.include_usage)
        self._request = request
        self._answers = answers
        self._prompts = [generation.seed for generation in generations]
        self._symbols = model.vocabulary.symbols
        self._said = [0] * len(generations)
        self._echoed = [not request.echo] * len(generations)

    def chunk(self, index: int, piece: Text | None) -> dict[str, Any]:
        """Return the choice that an arrival becomes; no piece is the end of that text."""
        choice = self._choice(index, piece or Text(""))
        if piece is None:
            choice.finish_reason = self._answers[index].finish_reason
        return {"choices": [choice]}

    def whole(self, arrivals: Sequence[Arrival]) -> dict[str, Any]:
        """Return all choices and the usage, when everything has arrived."""
        choices = []
        for index, answer in enumerate(self._answers):
            text = Text("", None)
            pieces = [piece for number, piece in arrivals if number == index and piece]
            if pieces:
                text = sum(pieces[1:], start=pieces[0])
            choice = self._choice(index, text)
            choice.finish_reason = answer.finish_reason
            choices.append(choice)
        return {"choices": choices, "usage": self.usage()}

    def usage(self) -> Usage:
        """Count the characters; each prompt counts once."""
        read, said = sum(map(len, self._prompts[:: self._request.n])), sum(self._said)
        return Usage(prompt_tokens=read, completion_tokens=said, total_tokens=read + said)

    def _choice(self, index: int, piece: Text) -> Choice:
        prompt = "" if self._echoed[index] else self._prompts[index]
        self._echoed[index] = True
        logprobs = None
        if self._request.logprobs is not None:
            offset = len(self._prompts[index]) + self._said[index]
            logprobs = self._logprobs(prompt, piece, offset)
        self._said[index] += len(piece)
        return Choice(text=prompt + piece.characters, index=index, logprobs=logprobs)

    def _logprobs(self, prompt: str, piece: Text, offset: int) -> Logprobs:
        """Explain a piece; a prompt before it was read, not drawn, and has no probabilities."""
        own, top = self._explained(piece)
        return Logprobs(
            tokens=[*prompt, *piece.characters],
            token_logprobs=[None] * len(prompt) + own,
            top_logprobs=[None] * len(prompt) + top,
            text_offset=[*range(offset - len(prompt), offset + len(piece))],
        )

    def _explained(self, piece: Text) -> tuple[list[float], list[dict[str, float]]]:
        details, likeliest = piece.details, self._request.logprobs
        if details is None:
            return [], []
        own = [round(value, DIGITS) for value in details.logprobs.tolist()]
        top = [
            {
                self._symbols[id_]: round(value, DIGITS)
                for id_, value in zip(ids, values, strict=True)
            }
            | {character: logprob}
            for character, logprob, ids, values in zip(
                piece.characters,
                own,
                details.top_ids[:, :likeliest].tolist(),
                details.top_logprobs[:, :likeliest].tolist(),
                strict=True,
            )
        ]
        return own, top
