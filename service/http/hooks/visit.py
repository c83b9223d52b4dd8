"""The visit of a request: every fact that the steps around the routes share about one request."""

import re
from dataclasses import dataclass, field
from random import getrandbits
from typing import Any

from flask import request

from service.generation.generator import Answer
from service.http.allowance import Spent
from service.http.connection import arrival
from service.http.server.client_address import client_of
from service.stream.generation import Generation

REQUEST_ID = re.compile(r"[\w.:-]{1,128}")
KEY = "charloom.visit"
"""The key of a visit in the environment of its request."""


@dataclass(slots=True)
class Visit:
    """The facts about one request."""

    request_id: str
    method: str
    path: str
    route: str
    """The rule of the route, or `none` where the path has no route."""
    began: float
    """The monotonic time of the arrival; the request may then have waited for a thread."""
    client: str
    """The name of the key, or the address by which a request without one is counted."""
    origin: str | None
    """The origin of the page that sent the request."""
    spent: dict[str, Spent] = field(default_factory=dict)
    """The state of each limit after the last charge, by the kind of the limit."""
    error: Exception | None = None
    """The error that refused the request before Flask had the request."""
    model: str | None = None
    seeds: list[str] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    seconds: float = 0.0
    """From the arrival of the request to the last byte of the response, once this byte is sent."""

    def record(self, model: str, generations: list[Generation], answers: list[Answer]) -> None:
        """Record the answers of the request for its log line."""
        self.model, self.answers = model, answers
        self.seeds = [generation.seed for generation in generations]


def begin_visit(environ: dict[str, Any], route: str) -> Visit:
    """Begin the visit, with the request id that the client sent or a fresh one."""
    sent = environ.get("HTTP_X_REQUEST_ID", "")
    visit = environ[KEY] = Visit(
        # A request id is no secret, and a system call would give the interpreter's lock away. Python
        # seeds this generator anew in each forked worker.
        request_id=sent if REQUEST_ID.fullmatch(sent) else f"{getrandbits(128):032x}",
        method=environ["REQUEST_METHOD"],
        path=environ.get("PATH_INFO", "").encode("latin-1").decode(errors="replace"),
        route=route,
        began=arrival(environ),
        client=client_of(environ.get("REMOTE_ADDR") or "unknown"),
        origin=environ.get("HTTP_ORIGIN"),
    )
    return visit


def current_visit() -> Visit:
    """Return the visit of the request that this thread answers."""
    visit: Visit = request.environ[KEY]
    return visit


def record_answers(model: str, generations: list[Generation], answers: list[Answer]) -> None:
    """Record the answers of the current request for its log line."""
    current_visit().record(model, generations, answers)
