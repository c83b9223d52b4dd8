"""The metrics of requests: how many, with which status, and how long each took."""

from http import HTTPMethod

from flask import Response, request

from service.http.hooks.visit import current_visit
from service.telemetry import Telemetry

# A client can make up any number of methods, and each value of a label is a series.
METHODS = frozenset(HTTPMethod)


class RequestMetrics:
    """Counts every response."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry

    def count(self, response: Response) -> Response:
        """Count the response now, and observe its seconds when the last byte is sent."""
        visit = current_visit()
        requests, seconds = self._telemetry.requests, self._telemetry.request_seconds
        method = request.method if request.method in METHODS else "other"
        requests.labels(method, visit.route, response.status_code).inc()
        histogram = seconds.labels(visit.route)
        response.call_on_close(lambda: histogram.observe(visit.seconds()))
        return response
