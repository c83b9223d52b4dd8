"""`GET /healthz`, `/readyz` and `/metrics`: liveness, readiness and metrics."""

from flask import Blueprint, Response
from prometheus_client import CONTENT_TYPE_LATEST

from service.api.schemas import Health
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


def health_routes(models: Models, telemetry: Telemetry) -> Blueprint:
    """Return the blueprint of the probes and the metrics."""
    routes = Blueprint("health", __name__)

    @routes.get("/healthz")
    @open_to_everyone
    @documented(ALIVE)
    def healthz() -> dict[str, str]:
        return {"status": "alive"}

    @routes.get("/readyz")
    @open_to_everyone
    @documented(READY)
    def readyz() -> tuple[dict[str, str], int]:
        return ({"status": "ready"}, 200) if models.ready else ({"status": "not ready"}, 503)

    @routes.get("/metrics")
    @documented(METRICS)
    def metrics() -> Response:
        return Response(telemetry.text(), content_type=CONTENT_TYPE_LATEST)

    return routes
