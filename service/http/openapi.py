"""The OpenAPI 3.1 document, made from the schemas and from what each route says of itself."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any, TypeVar

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from service import __version__
from service.api.schemas import Problem
from service.errors import KeyRequired, RateLimited
from service.http.errors import example_of
from service.keys import is_open
from service.settings import Settings


DESCRIPTION = """Writes text, one character at a time, in the style of a corpus.
The same request gives the same text. Every error is a problem document (RFC 9457) with a stable code."""
JSON, EVENTS, PROBLEM = "application/json", "text/event-stream", "application/problem+json"

# The converters of Flask's routes that are in use.
PATH_TYPES = {"": "string", "int": "integer"}
PLACEHOLDER = re.compile(r"<(?:(?P<converter>\w+):)?(?P<name>\w+)>")
RETRY_AFTER = {429, 503}
# What every route that is not open can end with.
GUARD_ERRORS = (KeyRequired, RateLimited)

View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True)
class Answer:
    """One form of a successful answer: its schema, none where it is not JSON, and an example."""

    schema: type[BaseModel] | None = None
    example: Any = None


@dataclass(frozen=True)
class Operation:
    """What a route says of itself."""

    summary: str
    tag: str
    answers: Mapping[str, Answer]
    """By media type."""
    also: Mapping[int, Answer] = field(default_factory=dict)
    """Answers that are no error although their status is not 200, as JSON."""
    body: type[BaseModel] | None = None
    examples: Mapping[str, Any] = field(default_factory=dict)
    """Bodies, by a title."""
    errors: Sequence[type[Exception]] = ()
    """Each has its status and code in `http_errors`."""
    problem: tuple[str, type[BaseModel]] = (PROBLEM, Problem)
    """In which form the errors come."""
    request_headers: Mapping[str, str] = field(default_factory=dict)
    response_headers: Mapping[str, str] = field(default_factory=dict)


def describe(operation: Operation) -> Callable[[View], View]:
    """Say what a route does; stands below the route's own decorator."""

    def mark(view: View) -> View:
        view.__dict__["operation"] = operation
        return view

    return mark


def operation_of(view: Callable[..., Any]) -> Operation | None:
    """Return what a route said of itself, if it did."""
    operation = getattr(view, "operation", None)
    return operation if isinstance(operation, Operation) else None


def document(routes: Iterable[tuple[str, str, Operation]], settings: Settings) -> dict[str, Any]:
    """Return the document for (rule, method, operation), the rules in Flask's form.

    The settings tell the limits of this one service.
    """
    paths: dict[str, dict[str, Any]] = {}
    used: set[type[BaseModel]] = set()
    has_keys = bool(settings.keys or settings.keys_file)
    for rule, method, described in routes:
        operation = described if is_open(rule) else _guarded(described)
        path = PLACEHOLDER.sub(r"{\g<name>}", rule)
        name = re.sub(r"\W+", "_", f"{method.lower()}{path}").strip("_")
        said = paths.setdefault(path, {})[method.lower()] = _operation(name, rule, operation)
        if has_keys and not is_open(rule):
            said["security"] = [{"key": []}]
        used |= _schemas(operation)
    _, definitions = models_json_schema(
        [(schema, "validation") for schema in sorted(used, key=lambda each: each.__name__)],
        ref_template="#/components/schemas/{model}",
    )
    for schema, limits in _limits(settings).items():
        for name, limit in limits.items():
            definitions["$defs"][schema]["properties"][name] |= limit
    return {
        "openapi": "3.1.0",
        "info": {"title": "charloom", "version": __version__, "description": DESCRIPTION},
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": definitions["$defs"],
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}} if has_keys else {},
        },
    }


def _guarded(operation: Operation) -> Operation:
    return replace(operation, errors=(*operation.errors, *GUARD_ERRORS))


def _limits(settings: Settings) -> dict[str, dict[str, dict[str, int]]]:
    """Return what `resolve` checks, by schema and field."""
    seed, length = {"maxLength": settings.max_seed_chars}, {"maximum": settings.max_length}
    return {
        "GenerateRequest": {"seed": seed, "length": length},
        "CompletionRequest": {"max_tokens": length},
    }


def _schemas(operation: Operation) -> set[type[BaseModel]]:
    answers = {each.schema for each in (*operation.answers.values(), *operation.also.values())}
    body = {operation.body}
    problems = {operation.problem[1]} if operation.errors else set()
    return {schema for schema in answers | body | problems if schema is not None}


def _operation(name: str, rule: str, operation: Operation) -> dict[str, Any]:
    said: dict[str, Any] = {
        "operationId": name,
        "summary": operation.summary,
        "tags": [operation.tag],
        "parameters": [*_path_parameters(rule), *_header_parameters(operation)],
        "responses": {"200": _success(operation), **_others(operation), **_failures(operation)},
    }
    if operation.body is not None:
        examples = {title: {"value": value} for title, value in operation.examples.items()}
        content = _reference(operation.body) | ({"examples": examples} if examples else {})
        said["requestBody"] = {"required": True, "content": {JSON: content}}
    return said


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
        "content": {kind: _content(answer) for kind, answer in operation.answers.items()},
    }


def _others(operation: Operation) -> dict[str, Any]:
    return {
        str(status): {
            "description": HTTPStatus(status).phrase,
            "headers": _headers({}),
            "content": {JSON: _content(answer)},
        }
        for status, answer in operation.also.items()
    }


def _content(answer: Answer) -> dict[str, Any]:
    content = _reference(answer.schema) if answer.schema else {}
    return content if answer.example is None else {**content, "example": answer.example}


def _failures(operation: Operation) -> dict[str, Any]:
    """Return one response for each status, with one example for each code."""
    kind, schema = operation.problem
    by_status: dict[int, dict[str, Any]] = {}
    for error in operation.errors:
        example = example_of(error)
        by_status.setdefault(example["status"], {})[example["code"]] = {"value": example}
    failures = {}
    for status, examples in sorted(by_status.items()):
        content = _reference(schema)
        if schema is Problem:
            content["examples"] = examples
        said = "; ".join(f"{code}: {each['value']['detail']}" for code, each in examples.items())
        headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
        if status in RETRY_AFTER:
            headers["Retry-After"] = "Seconds to wait."
        failures[str(status)] = {
            "description": said,
            "headers": _headers(headers),
            "content": {kind: content},
        }
    return failures


def _headers(descriptions: Mapping[str, str]) -> dict[str, Any]:
    every = {"X-Request-ID": "The request's, or a fresh one.", **descriptions}
    return {
        name: {"description": description, "schema": {"type": "string"}}
        for name, description in every.items()
    }


def _reference(schema: type[BaseModel]) -> dict[str, Any]:
    return {"schema": {"$ref": f"#/components/schemas/{schema.__name__}"}}
