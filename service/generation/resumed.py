"""The rest of a text, for a client that has the beginning."""

from collections.abc import Generator
from contextlib import closing
from time import monotonic

from service.errors import FieldProblem, InvalidRequest
from service.stream.text import Text

QUIET = 15.0  # seconds without a character, after which a stream says that it goes on
POSITION = "Last-Event-ID"
"""The field, a header of the request, that says how many characters the client has."""


def after(pieces: Generator[Text], characters: int) -> Generator[Text]:
    """Yield what comes after the first characters of a text, and empty pieces while nothing comes.

    Raises:
        InvalidRequest: the text has fewer characters.
    """
    left, loud = characters, monotonic() + QUIET
    with closing(pieces):
        for piece in pieces:
            rest = piece[left:]
            left -= len(piece) - len(rest)
            if rest or not piece or monotonic() >= loud:
                yield rest
                loud = monotonic() + QUIET
    if left:
        whole = characters - left
        problem = f"{characters} is past the end of the text, which has {whole} characters"
        raise InvalidRequest([FieldProblem(POSITION, problem)])
