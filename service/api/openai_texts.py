"""Pieces of text as OpenAI's choices, with offsets, log-probabilities and usage."""

from collections.abc import Sequence
from typing import Any

from service.api.likely import likely_characters
from service.api.openai_schemas import Choice, CompletionRequest, Logprobs, OpenAIReason, Usage
from service.generation.generator import Answer
from service.generation.merge import Arrival
from service.models.loading import LoadedModel
from service.stream.details import DIGITS
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
        self.model = f"{model.manifest.name}@{model.manifest.version}"
        self.counts_usage = bool(request.stream_options and request.stream_options.include_usage)
        self._request = request
        self._answers = answers
        self._prompts = [generation.seed for generation in generations]
        self._vocabulary = model.vocabulary
        self._sent = [0] * len(generations)
        self._echoed = [not request.echo] * len(generations)

    def chunk(self, index: int, piece: Text | None) -> dict[str, Any]:
        """Return the choice of a text's next piece; None is the end of the text."""
        choice = self._choice(index, piece or Text(""))
        if piece is None:
            choice.finish_reason = _finish_reason(self._answers[index])
        return {"choices": [choice]}

    def whole(self, arrivals: Sequence[Arrival]) -> dict[str, Any]:
        """Return all choices and the usage; `arrivals` are complete."""
        choices = []
        for index, answer in enumerate(self._answers):
            text = Text("", None)
            pieces = [piece for number, piece in arrivals if number == index and piece]
            if pieces:
                text = sum(pieces[1:], start=pieces[0])
            choice = self._choice(index, text)
            choice.finish_reason = _finish_reason(answer)
            choices.append(choice)
        return {"choices": choices, "usage": self.usage()}

    def usage(self) -> Usage:
        """Count the characters; a prompt counts once, although n texts follow it."""
        read, sent = sum(map(len, self._prompts[:: self._request.n])), sum(self._sent)
        return Usage(prompt_tokens=read, completion_tokens=sent, total_tokens=read + sent)

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

        A prompt is read and not drawn, so its characters have None; `offset` is the piece's place.
        """
        own, top = self._explained(piece)
        return Logprobs(
            tokens=[*prompt, *piece.characters],
            token_logprobs=[None] * len(prompt) + own,
            top_logprobs=[None] * len(prompt) + top,
            text_offset=[*range(offset - len(prompt), offset + len(piece))],
        )

    def _explained(self, piece: Text) -> tuple[list[float], list[dict[str, float]]]:
        """Return the log-probability of each character, and of the likeliest ones in its place."""
        if piece.details is None:
            return [], []
        own = [round(value, DIGITS) for value in piece.details.logprobs.tolist()]
        likely = likely_characters(piece.details, self._vocabulary)
        top = [
            # The drawn character is always among the likely ones, as with OpenAI.
            {each.character: each.logprob for each in row[: self._request.logprobs]}
            | {character: logprob}
            for character, logprob, row in zip(piece.characters, own, likely, strict=True)
        ]
        return own, top


def _finish_reason(answer: Answer) -> OpenAIReason:
    """Return OpenAI's finish reason: `stop` for every text that does not reach its length."""
    return "length" if answer.finish_reason == "length" else "stop"
