"""The end of a text that a pattern bounds."""

from model_store import Vocabulary
from service.stream.automaton import Automaton, Walk
from service.stream.generation import FinishReason


class PatternEnd:
    """Passes text on piece by piece, up to the place where the text is over; see `Walk`."""

    def __init__(self, automaton: Automaton, length: int, vocabulary: Vocabulary) -> None:
        """Take the pattern's automaton, the most characters of the text, and the model's ids."""
        self._walk = Walk(automaton, length)
        self._encode = vocabulary.encode

    @property
    def reason(self) -> FinishReason | None:
        """The finish reason of a text that is over."""
        return "pattern" if self._walk.over else None

    def feed(self, piece: str) -> str:
        """Return the characters of a piece that belong to the text."""
        return piece[: self._walk.feed_all(self._encode(piece).tolist())]
