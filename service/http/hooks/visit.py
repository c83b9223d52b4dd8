"""The visit of a request: every fact that the steps around the routes share about one request."""

import re
from dataclasses import dataclass, field
from random import getrandbits
from time import monotonic

from flask import g, request

from service.generation.generator import Answer
from service.http.allowance import Spent
from service.stream.generation import Generation

REQUEST_ID = re.compile(r"[\w.:-]{1,128}")


@dataclass(slots=True)
class Visit:
    """The facts about one request."""

    request_id: str
    method: str
    path: str
    route: str
    """The rule of the route, or `none` where the path has no route."""
    began: float
    """By the monotonic clock, in seconds."""
    client: str
    """The name of the key, or the address of a request without one."""
    spent: list[Spent] = field(default_factory=list)
    model: str | None = None
    seeds: list[str] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    seconds: float = 0.0
    """From the arrival of the request to the last byte of the response, once this byte is sent."""


def begin_visit() -> Visit:
    """Begin the visit, with the request id that the client sent or a fresh one."""
    sent = request.environ.get("HTTP_X_REQUEST_ID", "")
    rule = request.url_rule
    visit = g.visit = Visit(
        # A request id is no secret, and the system's random numbers would cost a system call.
        request_id=sent if REQUEST_ID.fullmatch(sent) else f"{getrandbits(128):032x}",
        method=request.method,
        path=request.path,
        route=rule.rule if rule else "none",
        began=monotonic(),
        client=request.remote_addr or "unknown",
    )
    return visit


def current_visit() -> Visit:
    """Return the visit of the request that this thread answers."""
    visit: Visit = g.visit
    return visit


def record_answers(model: str, generations: list[Generation], answers: list[Answer]) -> None:
    """Record the answers of the current request for its log line."""
    visit = current_visit()
    visit.model, visit.answers = model, answers
    visit.seeds = [generation.seed for generation in generations]
