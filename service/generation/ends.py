"""Where a text may end before its length, and the cut there."""

from collections.abc import Generator, Iterator
from contextlib import closing
from typing import Protocol

from service.generation.pattern_end import PatternEnd
from service.generation.stop import StopStrings
from service.models.loading import LoadedModel
from service.stream.generation import FinishReason, Generation
from service.stream.text import Text


class End(Protocol):
    """A place where a text may end before its length: the end of a pattern, or a stop string."""

    @property
    def reason(self) -> FinishReason | None:
        """The finish reason of a text that has ended here."""

    def feed(self, piece: str) -> str:
        """Return the characters that are certain to belong to the text, held-back ones included."""


class WithReason(Protocol):
    """An answer, as far as the cut needs it."""

    finish_reason: FinishReason


def ends_of(generation: Generation, model: LoadedModel) -> Iterator[End]:
    """Yield each place where the text may end before its length."""
    if generation.automaton is not None:
        yield PatternEnd(generation.automaton, generation.length, model.vocabulary)
    if generation.ends:
        yield StopStrings(generation.ends, generation.end)


def ends_within(text: str, generation: Generation, model: LoadedModel) -> bool:
    """Return whether the text of a generation is over within its first characters, `text`."""
    for end in ends_of(generation, model):
        end.feed(text)
        if end.reason is not None:
            return True
    return False


def cut(pieces: Generator[Text], end: End, answer: WithReason) -> Generator[Text]:
    """Yield the pieces up to an end, and tell the answer the finish reason; without the end, all pieces."""
    held: Text | None = None
    with closing(pieces):
        for piece in pieces:
            if not piece:
                yield piece
                continue
            text = piece if held is None else held + piece
            shown = len(end.feed(piece.characters))
            if end.reason is not None:
                answer.finish_reason = end.reason
            if shown:
                yield text[:shown]
            if end.reason is not None:
                return
            held = text[shown:]
    if held:
        yield held
