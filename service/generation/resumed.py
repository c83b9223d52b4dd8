"""The rest of a text, for a client that has the beginning."""

from collections.abc import Generator
from contextlib import closing

from service.errors import FieldProblem, InvalidRequest
from service.stream.text import Text

POSITION = "Last-Event-ID"
"""The field, a header of the request, that says how many characters the client has."""


def after(pieces: Generator[Text], characters: int) -> Generator[Text]:
    """Yield what comes after the first characters of a text, and every empty piece.

    Raises:
        InvalidRequest: the text has fewer characters.
    """
    left = characters
    with closing(pieces):
        for piece in pieces:
            rest = piece[left:]
            left -= len(piece) - len(rest)
            if rest or not piece:
                yield rest
    if left:
        whole = characters - left
        problem = f"{characters} is past the end of the text, which has {whole} characters"
        raise InvalidRequest([FieldProblem(POSITION, problem)])
