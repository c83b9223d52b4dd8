"""What the service counts, for Prometheus."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest


class Telemetry:
    """The service's metrics; each application has its own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.cache = Counter(
            "charloom_cache_requests",
            "Generations by what the cache held of them: hit, partial, miss or bypass.",
            ["result"],
            registry=self._registry,
        )
        self.cancellations = Counter(
            "charloom_cancellations",
            "Generations that ended because their client was gone, by where they stood.",
            ["state"],
            registry=self._registry,
        )

    def watch(self, name: str, explanation: str, value: Callable[[], float]) -> None:
        """Show a number that is read whenever the metrics are."""
        Gauge(name, explanation, registry=self._registry).set_function(value)

    def text(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return generate_latest(self._registry)
