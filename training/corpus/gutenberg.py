"""The text of a book of Project Gutenberg, without the header before the text and the licence after it.

The licence stands where the held-out text is, at the end, and has about 18,000 characters: of a book of 180,000
characters nothing else would be held out.
"""

import re
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import chain

HEAD = 20_000  # characters within which a text begins; the header of early books is long

# The forms that the marks have had since 1993; the mark of a book with a long title has two lines.
BEGIN = re.compile(
    r"^(?:\*\*\* ?START OF (?:THE|THIS) (?:COPYRIGHTED )?PROJECT GUTENBERG(?s:.{1,300}?)\*\*\*|"
    r"\*END.{1,3}THE SMALL PRINT!.*)\s*",
    re.MULTILINE,
)
END = re.compile(
    r"^(?:\*\*\* ?END OF (?:THE|THIS) (?:COPYRIGHTED )?PROJECT GUTENBERG|"
    r"End of (?:the |this )?Project Gutenberg)",
    re.MULTILINE,
)


def has_licence(pieces: Iterator[str]) -> bool:
    """Return whether a text, of which as much is read as needed, is a book of Project Gutenberg."""
    return BEGIN.search(_head(pieces)) is not None


def without_licence(pieces: Iterator[str]) -> Iterator[str]:
    """Yield the text between the marks of a book of Project Gutenberg, and any other text as it is.

    No piece is empty.
    """
    head = _head(pieces)
    begins = [mark.end() for mark in BEGIN.finditer(head)]
    whole = chain([head[max(begins, default=0) :]], pieces)
    yield from filter(None, _up_to_end(whole) if begins else whole)


def _head(pieces: Iterator[str]) -> str:
    """Return the first pieces, which have HEAD characters or are all."""
    head: list[str] = []
    characters = 0
    while characters < HEAD and (piece := next(pieces, "")):
        head.append(piece)
        characters += len(piece)
    return "".join(head)


def _up_to_end(pieces: Iterable[str]) -> Iterator[str]:
    """Yield the text up to the mark of its end; the rest is read too, so that a damaged file is noticed."""
    pieces, line = iter(pieces), ""
    for piece in pieces:
        text = line + piece
        if end := END.search(text):
            yield text[: end.start()]
            deque(pieces, maxlen=0)
            return
        # A mark stands at the beginning of a line, which the next piece may complete.
        cut = text.rfind("\n") + 1
        yield text[:cut]
        line = text[cut:]
    yield line
