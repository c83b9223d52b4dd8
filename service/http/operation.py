"""An operation: the entry of a route in the OpenAPI document."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import BaseModel

from service.api.schemas import Problem
from service.http.media_types import JSON, PROBLEM

View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True)
class ResponseBody:
    """One form of a response's body: a schema, None where the body is not JSON, and an example."""

    schema: type[BaseModel] | None = None
    example: Any = None
    other: type[BaseModel] | None = None
    """The schema of the form that a request may ask for instead."""


@dataclass(frozen=True)
class Operation:
    """The facts of a route that its entry in the OpenAPI document shows."""

    summary: str
    tag: str
    responses: Mapping[str, ResponseBody]
    """The bodies of status 200, by media type."""
    other_responses: Mapping[int, ResponseBody] = field(default_factory=dict)
    """The JSON bodies of responses that are no errors and have another status than 200.

    A response without a schema has no body.
    """
    body: type[BaseModel] | None = None
    body_type: str = JSON
    """The media type of the request's body."""
    examples: Mapping[str, Any] = field(default_factory=dict)
    """Request bodies, by title."""
    errors: Sequence[type[Exception]] = ()
    """The table in `service/http/errors.py` gives each error a status and a code."""
    problem: tuple[str, type[BaseModel]] = (PROBLEM, Problem)
    """The media type and the schema of every error."""
    request_headers: Mapping[str, str] = field(default_factory=dict)
    response_headers: Mapping[str, str] = field(default_factory=dict)


def documented(operation: Operation) -> Callable[[View], View]:
    """Give a view its operation; the decorator stands below the decorator of the route."""

    def attach(view: View) -> View:
        view.__dict__["operation"] = operation
        return view

    return attach


def operation_of(view: Callable[..., Any]) -> Operation | None:
    """Return the operation of a view, None for a view that is not documented."""
    operation = getattr(view, "operation", None)
    return operation if isinstance(operation, Operation) else None
