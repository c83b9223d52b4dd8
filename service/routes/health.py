"""`/healthz` and `/readyz`: alive, and able to answer."""

from flask import Blueprint

from service.models import Models


def health_routes(models: Models) -> Blueprint:
    """Return the blueprint."""
    routes = Blueprint("health", __name__)

    @routes.get("/healthz")
    def healthz() -> dict[str, str]:
        return {"status": "alive"}

    @routes.get("/readyz")
    def readyz() -> tuple[dict[str, str], int]:
        return ({"status": "ready"}, 200) if models.ready else ({"status": "not ready"}, 503)

    return routes
