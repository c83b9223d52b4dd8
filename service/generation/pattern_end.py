"""The end of a text that a pattern bounds."""

from model_store import Vocabulary
from service.stream.automaton import Automaton, Walk


class PatternEnd:
    """Passes text on piece by piece, up to the place where the text is over; see `Walk`."""

    def __init__(self, automaton: Automaton, length: int, vocabulary: Vocabulary) -> None:
        """Take the pattern's automaton, the most characters of the text, and the model's ids."""
        self._walk = Walk(automaton, length)
        self._encode = vocabulary.encode

    @property
    def found(self) -> bool:
        """Whether the text is over."""
        return self._walk.over

    def feed(self, piece: str) -> str:
        """Return the characters of a piece that belong to the text."""
        return piece[: self._walk.feed_all(self._encode(piece).tolist())]
