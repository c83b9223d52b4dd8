"""Bodies and options read as requests, with each wrong field named."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, TypeVar, get_args

from annotated_types import MaxLen
from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

from service.errors import FieldProblem, InvalidRequest, MalformedJson

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
GZIP, UTF_16 = b"\x1f\x8b", (b"\xff\xfe", b"\xfe\xff")
# Windows PowerShell 5.1 sends ISO-8859-1 unless the media type has a charset.
POWERSHELL = (
    "send the JSON as UTF-8, from Windows PowerShell with "
    "-ContentType 'application/json; charset=utf-8'"
)
MAX_FIELDS = 50  # of a request, known or unknown

Wire = TypeVar("Wire", bound=BaseModel)


def parse(schema: type[Wire], body: bytes) -> Wire:
    """Read a request body.

    Raises:
        MalformedJson: the body is not JSON.
        InvalidRequest: fields of the body are wrong, each named.
    """
    try:
        fields = from_json(body.removeprefix(BYTE_ORDER_MARK))
    except ValueError as error:
        raise MalformedJson(_malformed(body, error)) from None
    if isinstance(fields, dict):
        if problems := list(_too_many(schema, fields)):
            raise InvalidRequest(problems)
        if None in fields.values():
            absent = _absent(schema, fields)
            fields = {name: value for name, value in fields.items() if name not in absent}
    return _validated(schema, fields, strict=True)


def parse_options(schema: type[Wire], options: Mapping[str, object]) -> Wire:
    """Read a request whose numbers are written as text, as on a command line.

    Raises:
        InvalidRequest: fields of the request are wrong, each named.
    """
    return _validated(schema, options, strict=False)


def _validated(schema: type[Wire], fields: object, *, strict: bool) -> Wire:
    try:
        return schema.model_validate(fields, strict=strict)
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
    raise InvalidRequest([_problem(schema, detail) for detail in details])


def _malformed(body: bytes, error: ValueError) -> str:
    if body.startswith(GZIP):
        return "the body is compressed with gzip; send the JSON itself"
    if body.startswith(UTF_16):
        return "the body is UTF-16; send the JSON as UTF-8"
    try:
        body.decode()
    except UnicodeDecodeError as wrong:
        return f"the body is not UTF-8 at byte {wrong.start + 1}; {POWERSHELL}"
    return f"the body is not valid JSON: {error}"


def _too_many(
    schema: type[BaseModel], fields: Mapping[str, Any], *path: str
) -> Iterator[FieldProblem]:
    """Yield the problems of numbers in the object at a path, before anything looks at each member."""
    if len(fields) > MAX_FIELDS:
        message = f"{len(fields)} fields are over the limit of {MAX_FIELDS}"
        yield FieldProblem(_field(path), message)
    for name, limit in _limits(schema).items():
        value = fields.get(name)
        if isinstance(value, (list, dict)) and len(value) > limit:
            message = f"{len(value)} are over the limit of {limit}"
            yield FieldProblem(_field((*path, name)), message)
    for name, inner in _objects(schema).items():
        value = fields.get(name)
        if isinstance(value, dict):
            yield from _too_many(inner, value, *path, name)


@cache
def _limits(schema: type[BaseModel]) -> dict[str, int]:
    """Return the most members of each field that has a limit."""
    return {
        name: limit.max_length
        for name, field in schema.model_fields.items()
        for limit in field.metadata
        if isinstance(limit, MaxLen)
    }


@cache
def _objects(schema: type[BaseModel]) -> dict[str, type[BaseModel]]:
    """Return the schema of each field that is an object with fields of its own."""
    return {
        name: member
        for name, field in schema.model_fields.items()
        for member in get_args(field.annotation) or (field.annotation,)
        if isinstance(member, type) and issubclass(member, BaseModel)
    }


def _absent(schema: type[BaseModel], fields: Mapping[str, Any]) -> set[str]:
    """Return the fields whose null stands for the default, since null itself has no meaning there."""
    return {
        name
        for name, field in schema.model_fields.items()
        if fields.get(name, ...) is None
        and not field.is_required()
        and type(None) not in get_args(field.annotation)
    }


def _problem(schema: type[BaseModel], detail: Any) -> FieldProblem:
    field = _field(detail["loc"])
    if detail["type"] == "extra_forbidden":
        known = ", ".join(_model_at(schema, detail["loc"][:-1]).model_fields)
        return FieldProblem(field, f"there is no such field; the fields are {known}")
    if detail["type"] == "missing":
        return FieldProblem(field, "this field is required")
    return FieldProblem(field, detail["msg"].removeprefix("Value error, "))  # pydantic's own words


def _field(path: Sequence[str | int]) -> str:
    """Return the name of the value at a path of a request."""
    return ".".join(map(str, path)) or "body"


def _model_at(schema: type[BaseModel], path: Sequence[str | int]) -> type[BaseModel]:
    """Return the schema of the object at a path of a request."""
    for name in path:
        schema = _objects(schema)[str(name)]
    return schema
