"""What happens around every request: its id, key and limits before; headers, metrics, log after."""

import logging
import re
import secrets
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from flask import Flask, Response, g, request

from service.errors import RateLimited
from service.generation.generator import Answer
from service.http.allowance import MINUTE, Allowance, Spent
from service.keys import Keys, is_open
from service.logs import REQUESTS
from service.settings import Settings
from service.stream.generation import Generation
from service.telemetry import Telemetry

log = logging.getLogger(REQUESTS)

MAX_BODY = 1_000_000  # bytes; the longest seed text escaped as \uXXXX needs a tenth of it
MAX_DRAINED = 32_000_000  # bytes read from a client that is still sending, so that it hears of it
REQUEST_ID = re.compile(r"[\w.:-]{1,128}")

PAGE_POLICY = "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
DATA_POLICY = "default-src 'none'; frame-ancestors 'none'"
CORS = {
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Allow-Headers": "Authorization, Cache-Control, Content-Type, X-Request-ID",
    "Access-Control-Expose-Headers": "RateLimit, Retry-After, Server-Timing, X-Cache, X-Request-ID",
    "Access-Control-Max-Age": "600",
}


@dataclass
class Visit:
    """What is known of the request at hand."""

    id: str
    began: float
    client: str = ""
    """The key's name, or the address where there are no keys."""
    spent: list[Spent] = field(default_factory=list)
    model: str | None = None
    seeds: list[str] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)


class Hooks:
    """Stand around every route of an application."""

    def __init__(
        self, settings: Settings, telemetry: Telemetry, keys: Keys, allowance: Allowance
    ) -> None:
        self._settings = settings
        self._telemetry = telemetry
        self._keys = keys
        self._allowance = allowance

    def register(self, app: Flask) -> None:
        """Put them around the routes."""
        app.config["MAX_CONTENT_LENGTH"] = MAX_BODY
        app.before_request(self._arrive)
        app.before_request(self._admit)
        app.after_request(self._head)
        app.after_request(self._tell)
        app.after_request(_drain_body)

    def charge(self, generations: list[Generation]) -> None:
        """Take the characters asked for from what the client may still ask for; see `RateLimited`."""
        visit: Visit = g.visit
        asked = sum(generation.length for generation in generations)
        self._take(visit, "characters", asked)

    def note(self, model: str, generations: list[Generation], answers: list[Answer]) -> None:
        """Remember what the request is answered with, for its log line."""
        visit: Visit = g.visit
        visit.model, visit.answers = model, answers
        visit.seeds = [generation.seed for generation in generations]

    def _arrive(self) -> None:
        given = request.headers.get("X-Request-ID", "")
        known = given if REQUEST_ID.fullmatch(given) else secrets.token_hex(16)
        g.visit = Visit(known, monotonic())

    def _admit(self) -> None:
        visit: Visit = g.visit
        visit.client = request.remote_addr or "unknown"
        if is_open(_route()) or request.method == "OPTIONS":
            return
        if self._keys:
            visit.client = self._keys.name_of(request.headers.get("Authorization", ""))
        self._take(visit, "requests", 1)

    def _take(self, visit: Visit, kind: str, amount: int) -> None:
        spent = self._allowance.charge(visit.client, kind, amount)
        if spent is None:
            return
        visit.spent.append(spent)
        if not spent.allowed:
            limit, seconds = spent.limit, spent.seconds
            message = f"more than {limit} {kind} in a minute; try again in {seconds} s"
            if amount > limit:
                message = f"{amount} {kind} at once are over the limit of {limit} in a minute"
            raise RateLimited(message, retry_after=seconds)

    def _head(self, response: Response) -> Response:
        """Set the headers that every answer has."""
        headers, visit = response.headers, g.visit
        headers["X-Request-ID"] = visit.id
        headers["X-Content-Type-Options"] = "nosniff"
        headers["Referrer-Policy"] = "no-referrer"
        page = response.mimetype == "text/html"
        headers.setdefault("Content-Security-Policy", PAGE_POLICY if page else DATA_POLICY)
        if visit.spent:
            headers["RateLimit-Policy"] = ", ".join(
                f'"{each.kind}";q={each.limit};w={MINUTE}' for each in visit.spent
            )
            headers["RateLimit"] = ", ".join(
                f'"{each.kind}";r={each.left};t={each.seconds}' for each in visit.spent
            )
        origins = self._settings.cors_origins or ()
        if origins and request.headers.get("Origin") in origins:
            headers.extend({"Access-Control-Allow-Origin": request.headers["Origin"], **CORS})
            headers.add("Vary", "Origin")
        return response

    def _tell(self, response: Response) -> Response:
        """Count the answer now, and when its last byte is out, how long it took; then log it."""
        visit, route, status = g.visit, _route(), response.status_code
        self._telemetry.requests.labels(request.method, route, status).inc()
        seconds = self._telemetry.request_seconds.labels(route)
        asked = {"method": request.method, "route": route, "status": status}
        title = f"{request.method} {request.path} {status}"

        def ended() -> None:
            took = monotonic() - visit.began
            seconds.observe(took)
            log.info(title, extra={"fields": asked | self._fields(visit, took)})

        response.call_on_close(ended)
        return response

    def _fields(self, visit: Visit, took: float) -> dict[str, Any]:
        fields: dict[str, Any] = {
            "request_id": visit.id,
            "client": visit.client,
            "milliseconds": round(1000 * took, 2),
        }
        if visit.answers:
            first = visit.answers[0]
            fields |= {
                "model": visit.model,
                "seed_characters": sum(map(len, visit.seeds)),
                "text_characters": sum(answer.characters for answer in visit.answers),
                "cache": first.cache,
                "finish_reason": first.finish_reason,
                **{f"{name}_ms": round(1000 * value, 2) for name, value in first.seconds.items()},
            }
            if self._settings.log_text:
                fields["seeds"] = visit.seeds
        return fields


def _route() -> str:
    return request.url_rule.rule if request.url_rule else "none"


def _drain_body(response: Response) -> Response:
    """Read what is left of a refused body: closing early would reset the client's connection."""
    body = request.environ["wsgi.input"]
    for _ in range(MAX_DRAINED // MAX_BODY):
        if not body.read(MAX_BODY):
            break
    return response
