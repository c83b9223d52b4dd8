"""The metrics of requests: how many, with which status, and how long each took."""

from flask import Response, request

from service.http.hooks.visit import current_visit
from service.telemetry import Telemetry


class RequestMetrics:
    """Counts every response."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry

    def count(self, response: Response) -> Response:
        """Count the response now, and observe its seconds when the last byte is sent."""
        visit = current_visit()
        requests, seconds = self._telemetry.requests, self._telemetry.request_seconds
        requests.labels(request.method, visit.route, response.status_code).inc()
        histogram = seconds.labels(visit.route)
        response.call_on_close(lambda: histogram.observe(visit.seconds()))
        return response
