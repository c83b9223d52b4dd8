"""`GET /healthz`, `/readyz` and `/metrics`: liveness, readiness and metrics."""

from collections.abc import Sequence
from typing import Any, Protocol

from flask import Blueprint, Response
from prometheus_client import CONTENT_TYPE_LATEST

from service.api.schemas import Health
from service.generation.stopping import Stopping
from service.http.media_types import JSON
from service.http.open_routes import open_to_everyone
from service.http.operation import Operation, ResponseBody, documented
from service.models.registry import Models
from service.telemetry import Telemetry

ALIVE = Operation(
    "Show that the process is alive", "service", {JSON: ResponseBody(Health, {"status": "alive"})}
)
READY = Operation(
    "Show whether the service can generate; 503 while it cannot",
    "service",
    {JSON: ResponseBody(Health, {"status": "ready"})},
    other_responses={503: ResponseBody(Health, {"status": "not ready"})},
)
METRICS = Operation(
    "Show the metrics in Prometheus' text format", "service", {"text/plain": ResponseBody()}
)


class Part(Protocol):
    """A part of the service, without which the service still answers."""

    @property
    def problem(self) -> str | None:
        """The fault of the part at present, as a sentence; None: the part works."""


def health_routes(
    models: Models, telemetry: Telemetry, parts: Sequence[Part], stopping: Stopping
) -> Blueprint:
    """Return the blueprint of the probes and the metrics; `/readyz` names the problems of the parts."""
    routes = Blueprint("health", __name__)

    @routes.get("/healthz")
    @open_to_everyone
    @documented(ALIVE)
    def healthz() -> dict[str, str]:
        return {"status": "alive"}

    @routes.get("/readyz")
    @open_to_everyone
    @documented(READY)
    def readyz() -> tuple[dict[str, Any], int]:
        reasons = []
        if stopping.begun:
            reasons.append("the service is stopping: send requests elsewhere")
        if not models.ready:
            reasons.append(
                "the default model is not loaded, or the hub does not answer; the log says why"
            )
        problems = [part.problem for part in parts if part.problem] + reasons
        body = {"problems": problems} if problems else {}
        if reasons:
            return {"status": "not ready"} | body, 503
        return {"status": "ready"} | body, 200

    @routes.get("/metrics")
    @documented(METRICS)
    def metrics() -> Response:
        return Response(telemetry.text(), content_type=CONTENT_TYPE_LATEST)

    return routes
