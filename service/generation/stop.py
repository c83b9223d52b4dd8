"""Where a text ends early: at the first of its stop strings, no part of which ever shows."""


class StopStrings:
    """Passes text on piece by piece, holding back whatever may be the beginning of a stop string."""

    def __init__(self, strings: tuple[str, ...]) -> None:
        self.found = False
        self._strings = strings
        self._held = ""

    def feed(self, piece: str) -> str:
        """Return what is certain not to belong to a stop string, and may be shown.

        What is held back is shown with a later piece, or, when the text ends, is its rest.
        """
        text = self._held + piece
        # The string that is complete first ends the text, however the pieces were cut.
        found = [
            (begin + len(string), begin)
            for string in self._strings
            if (begin := text.find(string)) >= 0
        ]
        if found:
            self.found, self._held = True, ""
            return text[: min(found)[1]]
        keep = len(text) - self._possible_beginning(text)
        self._held = text[keep:]
        return text[:keep]

    def _possible_beginning(self, text: str) -> int:
        """Return how many characters at the end of the text a stop string may begin with."""
        longest = max((len(string) for string in self._strings), default=1) - 1
        for size in range(min(longest, len(text)), 0, -1):
            if any(string.startswith(text[-size:]) for string in self._strings):
                return size
        return 0
