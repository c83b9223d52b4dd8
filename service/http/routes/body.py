"""The body of a request, read by its schema."""

from typing import TypeVar

from flask import request
from pydantic import BaseModel
from werkzeug.exceptions import RequestEntityTooLarge

from service.api.parsing import parse
from service.errors import UnsupportedMediaType
from service.http.media_types import JSON
from service.http.server.incoming import MAX_BODY

Wire = TypeVar("Wire", bound=BaseModel)


def read_body(schema: type[Wire]) -> Wire:
    """Return the JSON body of the current request.

    Raises:
        UnsupportedMediaType: the body is not declared as JSON, or is compressed.
        MalformedJson: the body is not JSON.
        InvalidRequest: fields of the body do not fit the schema.
    """
    return parse(schema, read_bytes())


def read_bytes(*kinds: str) -> bytes:
    """Return the body of the current request as it was sent, of one of some kinds, by default JSON.

    Raises:
        UnsupportedMediaType: the body is not declared as one of the kinds.
        RequestEntityTooLarge: the body has more than MAX_BODY bytes.
    """
    kinds = kinds or (JSON,)
    if request.mimetype not in kinds:
        raise UnsupportedMediaType(f"send the request as Content-Type: {kinds[0]}")
    if request.headers.get("Content-Encoding", "identity") != "identity":
        raise UnsupportedMediaType("send the JSON itself, without a Content-Encoding")
    try:
        return request.get_data(cache=False)
    except RequestEntityTooLarge as error:
        error.description = (
            f"the body is over the limit of {MAX_BODY} bytes: send less text, or several requests"
        )
        raise
