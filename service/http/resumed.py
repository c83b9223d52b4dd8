"""A stream that goes on: the headers by which a client asks for the rest of a text (docs/scale.md)."""

import re

from flask import request

from service.api.schemas import GenerateRequest
from service.errors import FieldProblem, InvalidRequest
from service.generation.resumed import POSITION
from service.models.loading import LoadedModel
from service.stream.generation import Generation

CHARACTERS = re.compile(r"[0-9]{1,9}")


def characters_held(wire: GenerateRequest, generation: Generation) -> int:
    """Return how many characters of the text the client of the current request has.

    Raises:
        InvalidRequest: the header Last-Event-ID is malformed or beyond the text, the request has no
            events, or its text is not the text that was begun.
    """
    if not wire.stream:
        refuse_position()
    sent = request.headers.get(POSITION)
    if sent is None:
        return 0
    if not CHARACTERS.fullmatch(sent):
        raise _invalid(POSITION, "send the id of the last event, a number of characters")
    held = int(sent)
    if held > generation.length:
        raise _invalid(
            POSITION, f"{held} is past the end of the text: length is {generation.length}"
        )
    if held and wire.random_seed is None:
        raise _invalid("random_seed", "null draws another text; send X-Random-Seed of the answer")
    return held


def refuse_position() -> None:
    """Refuse the current request, which is for a whole answer, if it has the header Last-Event-ID.

    Raises:
        InvalidRequest: the request has the header.
    """
    if POSITION in request.headers:
        raise _invalid(POSITION, 'a whole answer has no events; send "stream": true')


def stream_headers(generation: Generation, model: LoadedModel) -> dict[str, str]:
    """Return what a client needs for the rest of a text: version, random seed and entity tag."""
    return {
        "X-Model": f"{model.manifest.name}@{model.manifest.version}",
        "X-Random-Seed": str(generation.stream.sampling.random_seed),
        "ETag": f'W/"{generation.stream.key}"',
    }


def _invalid(field: str, message: str) -> InvalidRequest:
    return InvalidRequest([FieldProblem(field, message)])
