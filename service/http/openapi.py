"""The OpenAPI 3.1 document, made from the schemas and the operation of each route."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from service import __version__
from service.api.openai_schemas import CompletionRequest
from service.api.schemas import GenerateRequest, Problem
from service.errors import KeyRequired, OverLimit, RateLimited
from service.http.errors import example_of
from service.http.media_types import EVENTS, JSON
from service.http.operation import Operation, ResponseBody
from service.settings import Settings

DESCRIPTION = """charloom writes text, one character at a time, in the style of a corpus.
The same request gives the same text. Every error outside /v1 is a problem document (RFC 9457) with a
stable code; the errors of /v1 have the form of OpenAI's."""

# The converters that the rules of the routes use.
PATH_TYPES = {"": "string", "int": "integer"}
PLACEHOLDER = re.compile(r"<(?:(?P<converter>\w+):)?(?P<name>\w+)>")
RETRY_AFTER = {429, 503}
TEXT = {"schema": {"type": "string"}}
BINARY = {"schema": {"type": "string", "format": "binary"}}
# Admission refuses a request to any closed route with one of these.
ADMISSION_ERRORS = (KeyRequired, RateLimited, OverLimit)


@dataclass(frozen=True)
class Route:
    """One method of one documented route."""

    rule: str
    """The path in Flask's form, such as `/models/<name>`."""
    method: str
    operation: Operation
    is_open: bool
    """Whether the route answers without a key."""

    @property
    def path(self) -> str:
        """The path in OpenAPI's form, such as `/models/{name}`."""
        return PLACEHOLDER.sub(r"{\g<name>}", self.rule)

    @property
    def errors(self) -> tuple[type[Exception], ...]:
        """The errors of the operation and, on a closed route, of the admission."""
        return (*self.operation.errors, *(() if self.is_open else ADMISSION_ERRORS))


def document(routes: Iterable[Route], settings: Settings) -> dict[str, Any]:
    """Return the document of the routes, with the limits that the settings make."""
    has_keys = bool(settings.keys or settings.keys_file)
    paths: dict[str, dict[str, Any]] = {}
    used: set[type[BaseModel]] = set()
    for route in routes:
        entry = paths.setdefault(route.path, {})[route.method.lower()] = _entry(route)
        if has_keys and not route.is_open:
            entry["security"] = [{"key": []}]
        used |= _schemas(route)
    return {
        "openapi": "3.1.0",
        "info": {"title": "charloom", "version": __version__, "description": DESCRIPTION},
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": _definitions(used, settings),
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}} if has_keys else {},
        },
    }


def _definitions(schemas: set[type[BaseModel]], settings: Settings) -> dict[str, Any]:
    """Return the JSON schema of each model by name, the limits of this service included."""
    _, definitions = models_json_schema(
        [(schema, "validation") for schema in sorted(schemas, key=lambda each: each.__name__)],
        ref_template="#/components/schemas/{model}",
    )
    by_name: dict[str, Any] = definitions["$defs"]
    for schema, limits in _limits(settings).items():
        for name, limit in limits.items():
            by_name[schema]["properties"][name] |= limit
    return by_name


def _limits(settings: Settings) -> dict[str, dict[str, dict[str, int]]]:
    """Return the limits that `resolve` checks and the defaults that follow them, by schema and field."""
    most = settings.max_length
    length, tokens = (
        {"maximum": most, "default": min(schema.model_fields[field].default, most)}
        for schema, field in ((GenerateRequest, "length"), (CompletionRequest, "max_tokens"))
    )
    return {
        "GenerateRequest": {"seed": {"maxLength": settings.max_seed_chars}, "length": length},
        "CompletionRequest": {"max_tokens": tokens},
    }


def _schemas(route: Route) -> set[type[BaseModel]]:
    operation = route.operation
    bodies = (*operation.responses.values(), *operation.other_responses.values())
    used = {operation.body, *(schema for body in bodies for schema in (body.schema, body.other))}
    problems = {operation.problem[1]} if route.errors else set()
    return {schema for schema in used | problems if schema is not None}


def _entry(route: Route) -> dict[str, Any]:
    operation = route.operation
    entry: dict[str, Any] = {
        "operationId": re.sub(r"\W+", "_", f"{route.method.lower()}{route.path}").strip("_"),
        "summary": operation.summary,
        "tags": [operation.tag],
        "parameters": [*_path_parameters(route.rule), *_header_parameters(operation)],
        "responses": {"200": _success(operation), **_others(operation), **_failures(route)},
    }
    if operation.body is not None:
        examples = {title: {"value": value} for title, value in operation.examples.items()}
        schema = _reference(operation.body) if operation.body_type == JSON else BINARY
        content = schema | ({"examples": examples} if examples else {})
        entry["requestBody"] = {"required": True, "content": {operation.body_type: content}}
    return entry


def _path_parameters(rule: str) -> list[dict[str, Any]]:
    return [
        {
            "name": match["name"],
            "in": "path",
            "required": True,
            "schema": {"type": PATH_TYPES[match["converter"] or ""]},
        }
        for match in PLACEHOLDER.finditer(rule)
    ]


def _header_parameters(operation: Operation) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "header", "description": description, "schema": {"type": "string"}}
        for name, description in operation.request_headers.items()
    ]


def _success(operation: Operation) -> dict[str, Any]:
    return {
        "description": operation.summary,
        "headers": _headers(operation.response_headers),
        "content": {kind: _content(kind, body) for kind, body in operation.responses.items()},
    }


def _others(operation: Operation) -> dict[str, Any]:
    return {
        str(status): {
            "description": HTTPStatus(status).phrase,
            "headers": _headers({}),
            "content": {JSON: _content(JSON, body)} if body.schema else {},
        }
        for status, body in operation.other_responses.items()
    }


def _content(kind: str, body: ResponseBody) -> dict[str, Any]:
    content = _schema(kind, body)
    return content if body.example is None else {**content, "example": body.example}


def _schema(kind: str, body: ResponseBody) -> dict[str, Any]:
    """Return the schema of a body; makers of clients need one for a body of another kind than JSON.

    The schema of a stream of events would be that of each event.
    """
    if body.schema is None:
        return {} if kind in (JSON, EVENTS) else TEXT if kind.startswith("text/") else BINARY
    if body.other is None:
        return _reference(body.schema)
    forms = [_reference(schema)["schema"] for schema in (body.schema, body.other)]
    return {"schema": {"anyOf": forms}}


def _failures(route: Route) -> dict[str, Any]:
    """Return one response for each status, with one example for each code."""
    examples: dict[int, dict[str, Any]] = {}
    for error in route.errors:
        example = example_of(error)
        examples.setdefault(example["status"], {})[example["code"]] = {"value": example}
    return {
        str(status): _failure(status, by_code, *route.operation.problem)
        for status, by_code in sorted(examples.items())
    }


def _failure(
    status: int, examples: Mapping[str, Any], kind: str, schema: type[BaseModel]
) -> dict[str, Any]:
    content = _reference(schema)
    if schema is Problem:
        content["examples"] = examples
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    if status in RETRY_AFTER:
        headers["Retry-After"] = "Seconds after which the request may succeed."
    meanings = (f"{code}: {each['value']['detail']}" for code, each in examples.items())
    return {
        "description": "; ".join(meanings),
        "headers": _headers(headers),
        "content": {kind: content},
    }


def _headers(descriptions: Mapping[str, str]) -> dict[str, Any]:
    every = {"X-Request-ID": "The id that the request sent, or a fresh one.", **descriptions}
    return {
        name: {"description": description, "schema": {"type": "string"}}
        for name, description in every.items()
    }


def _reference(schema: type[BaseModel]) -> dict[str, Any]:
    return {"schema": {"$ref": f"#/components/schemas/{schema.__name__}"}}
