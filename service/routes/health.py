"""`/healthz`, `/readyz` and `/metrics`: alive, able to answer, and how it goes."""

from flask import Blueprint, Response
from prometheus_client import CONTENT_TYPE_LATEST

from service.models import Models
from service.telemetry import Telemetry


def health_routes(models: Models, telemetry: Telemetry) -> Blueprint:
    """Return the blueprint."""
    routes = Blueprint("health", __name__)

    @routes.get("/healthz")
    def healthz() -> dict[str, str]:
        return {"status": "alive"}

    @routes.get("/readyz")
    def readyz() -> tuple[dict[str, str], int]:
        return ({"status": "ready"}, 200) if models.ready else ({"status": "not ready"}, 503)

    @routes.get("/metrics")
    def metrics() -> Response:
        return Response(telemetry.text(), content_type=CONTENT_TYPE_LATEST)

    return routes
