"""The text of books of Project Gutenberg, without the header before each text and the licence after it.

The licence stands where the held-out text is, at the end, and has about 18,000 characters: of a book of 180,000
characters nothing else would be held out.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import chain

HEAD = 20_000  # characters within which the first text begins; the header of early books is long
LONGEST_MARK = 500  # characters, held back between two pieces

# The forms that the marks have had since 1993; the mark of a book with a long title has two lines.
BEGIN = re.compile(
    r"^(?:\*\*\* ?START OF (?:THE|THIS) (?:COPYRIGHTED )?PROJECT GUTENBERG E(?s:.{1,300}?)\*\*\*|"
    r"\*END.{1,3}THE SMALL PRINT!).*\n",
    re.MULTILINE,
)
END = re.compile(
    r"^(?:\*\*\* ?END OF (?:THE|THIS) (?:COPYRIGHTED )?PROJECT GUTENBERG E|"
    r"(?i:end of (?:the |this )?project gutenberg))",
    re.MULTILINE,
)


def has_licence(pieces: Iterator[str]) -> bool:
    """Return whether a text, of which as much is read as needed, begins as a book of Project Gutenberg."""
    return BEGIN.search(_head(pieces)) is not None


def without_licence(pieces: Iterator[str]) -> Iterator[str]:
    """Yield the texts between the marks of one or more books of Project Gutenberg, and any other text as it is.

    No piece is empty.
    """
    head = _head(pieces)
    whole = chain([head], pieces)
    yield from filter(None, _between_marks(whole) if BEGIN.search(head) else whole)


def _head(pieces: Iterator[str]) -> str:
    """Return the first pieces, which have HEAD characters or are all."""
    head: list[str] = []
    characters = 0
    while characters < HEAD and (piece := next(pieces, "")):
        head.append(piece)
        characters += len(piece)
    return "".join(head)


def _between_marks(pieces: Iterable[str]) -> Iterator[str]:
    """Yield what stands between a mark of a beginning and the next mark of an end, again and again."""
    wanted, held = BEGIN, ""
    for piece in pieces:
        text = held + piece
        while mark := wanted.search(text):
            if wanted is END:
                yield text[: mark.start()]
            text = text[mark.end() :]
            wanted = BEGIN if wanted is END else END
        # The end of the text may begin a mark that the next piece completes, so the end is held back.
        if wanted is END:
            cut = text.rfind("\n") + 1
            yield text[:cut]
            held = text[cut:]
        else:
            held = text[-LONGEST_MARK:]
    if wanted is END:
        yield held
