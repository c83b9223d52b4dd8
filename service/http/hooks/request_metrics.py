"""The metrics of requests: how many, with which status, and how long each took."""

from functools import cache
from http import HTTPMethod

from service.http.hooks.visit import Visit
from service.telemetry import Telemetry

# A client can make up any number of methods, and each value of a label is a series.
METHODS = frozenset(HTTPMethod)


class RequestMetrics:
    """Counts every response."""

    def __init__(self, telemetry: Telemetry) -> None:
        # The library checks the names and locks the metric at each look-up.
        self._requests = cache(telemetry.requests.labels)
        self._seconds = cache(telemetry.request_seconds.labels)

    def count(self, visit: Visit, status: int) -> None:
        """Count a response."""
        method = visit.method if visit.method in METHODS else "other"
        self._requests(method, visit.route, status).inc()

    def observe(self, visit: Visit) -> None:
        """Observe the seconds of a response whose last byte is sent."""
        self._seconds(visit.route).observe(visit.seconds)
