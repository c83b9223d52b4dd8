"""`/healthz`, `/readyz` and `/metrics`: alive, able to answer, and how it goes."""

from flask import Blueprint, Response
from prometheus_client import CONTENT_TYPE_LATEST

from service.api.schemas import Health
from service.http.openapi import JSON, Answer, Operation, describe
from service.models.registry import Models
from service.telemetry import Telemetry

ALIVE = Operation(
    "Whether the process is alive", "service", {JSON: Answer(Health, {"status": "alive"})}
)
READY = Operation(
    "Whether it can answer; 503 while it cannot",
    "service",
    {JSON: Answer(Health, {"status": "ready"})},
    also={503: Answer(Health, {"status": "not ready"})},
)
METRICS = Operation(
    "Counts and times in Prometheus' text format", "service", {"text/plain": Answer()}
)


def health_routes(models: Models, telemetry: Telemetry) -> Blueprint:
    """Return the blueprint."""
    routes = Blueprint("health", __name__)

    @routes.get("/healthz")
    @describe(ALIVE)
    def healthz() -> dict[str, str]:
        return {"status": "alive"}

    @routes.get("/readyz")
    @describe(READY)
    def readyz() -> tuple[dict[str, str], int]:
        return ({"status": "ready"}, 200) if models.ready else ({"status": "not ready"}, 503)

    @routes.get("/metrics")
    @describe(METRICS)
    def metrics() -> Response:
        return Response(telemetry.text(), content_type=CONTENT_TYPE_LATEST)

    return routes
