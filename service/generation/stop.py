"""Stop strings: a text ends before the first of them."""

from service.stream.generation import FinishReason


class StopStrings:
    """Passes text on piece by piece, and holds back an end that a stop string may begin with."""

    def __init__(self, strings: tuple[str, ...], text_end: str | None = None) -> None:
        """Take the strings, and the one of them at which the model ends a text, if there is one."""
        self.found: str | None = None
        """The string that ended the text."""
        self._strings = strings
        self._text_end = text_end
        self._held = ""

    @property
    def reason(self) -> FinishReason | None:
        """The finish reason of a text that a string has ended."""
        if self.found is None:
            return None
        return "end" if self.found == self._text_end else "stop"

    def feed(self, piece: str) -> str:
        """Return the characters that certainly belong to no stop string, held-back ones included.

        The rest is held back until the next piece decides.
        """
        text = self._held + piece
        # The stop string that is complete first ends the text, however the text was cut to pieces.
        found = [
            (begin + len(string), begin, string)
            for string in self._strings
            if (begin := text.find(string)) >= 0
        ]
        if found:
            _, begin, self.found = min(found)
            self._held = ""
            return text[:begin]
        keep = len(text) - self._possible_beginning(text)
        self._held = text[keep:]
        return text[:keep]

    def _possible_beginning(self, text: str) -> int:
        """Return the number of characters at the end of the text that a stop string begins with."""
        longest = max((len(string) for string in self._strings), default=1) - 1
        for size in range(min(longest, len(text)), 0, -1):
            if any(string.startswith(text[-size:]) for string in self._strings):
                return size
        return 0
