"""The metrics of the service, for Prometheus.

Under gunicorn every worker writes its metrics into the folder PROMETHEUS_MULTIPROC_DIR, and the worker
that answers `/metrics` adds up the files of all workers.
"""

import os
from collections.abc import Iterable
from pathlib import Path

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Metric,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector

from service.metric_files import MetricFile, install
from service.stream.sequence import Sequence

# Upper bounds of buckets, in seconds: a request, from a cached answer to the deadline; a character.
REQUEST_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
CHARACTER_SECONDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1)
ROWS = (1, 2, 4, 8, 16, 32, 64, 128)


class Telemetry:
    """The service's metrics; each application has its own."""

    def __init__(self) -> None:
        install()
        registry = self._registry = CollectorRegistry()
        self.requests = Counter(
            "charloom_requests",
            "Responses by method, route and status.",
            ["method", "route", "status"],
            registry=registry,
        )
        self.request_seconds = Histogram(
            "charloom_request_seconds",
            "Seconds from the arrival of a request to the last byte of the response.",
            ["route"],
            buckets=REQUEST_SECONDS,
            registry=registry,
        )
        self.cache = Counter(
            "charloom_cache_requests",
            "Generations by the result of the cache: hit, partial, miss or bypass.",
            ["result"],
            registry=registry,
        )
        self._hits = self.cache.labels("hit")
        self.cache_errors = Counter(
            "charloom_cache_errors",
            "Failures of the cache by layer: Redis gave no answer, or a value was damaged.",
            ["layer"],
            registry=registry,
        )
        self.limit_errors = Counter(
            "charloom_limit_errors",
            "Charges that neither Redis nor the hub counted, and that a process counted alone.",
            registry=registry,
        )
        self.cancellations = Counter(
            "charloom_cancellations",
            "Generations that ended because the client had gone, by stage.",
            ["state"],
            registry=registry,
        )
        self.seed_characters = Counter(
            "charloom_seed_characters",
            "Characters of the seed texts of all generations, and of the texts that were scored.",
            registry=registry,
        )
        self.text_characters = Counter(
            "charloom_text_characters",
            "Characters of generated texts, from the cache or the engine.",
            registry=registry,
        )
        self.loaded = Gauge(
            "charloom_model_loaded",
            "1 for each loaded version of a model.",
            ["model", "version"],
            multiprocess_mode="livemax",
            registry=registry,
        )
        self.exact = Gauge(
            "charloom_model_exact",
            "1 for each version whose fingerprint here is the manifest's, else 0.",
            ["model", "version"],
            multiprocess_mode="livemin",
            registry=registry,
        )
        self._add_engine_metrics(registry)

    def _add_engine_metrics(self, registry: CollectorRegistry) -> None:
        self._running = Gauge(
            "charloom_running",
            "Generations in a slot.",
            multiprocess_mode="livesum",
            registry=registry,
        )
        self._waiting = Gauge(
            "charloom_waiting",
            "Generations in the queue.",
            multiprocess_mode="livesum",
            registry=registry,
        )
        self._rows = Histogram(
            "charloom_batch_rows",
            "Rows of the batch when a generation joins, that generation included.",
            buckets=ROWS,
            registry=registry,
        )
        self._generated = Counter(
            "charloom_generated_characters",
            "Characters that the engine sampled.",
            registry=registry,
        )
        self._queue, self._first, self._character = (
            Histogram(f"charloom_{name}_seconds", explanation, buckets=buckets, registry=registry)
            for name, explanation, buckets in (
                ("queue", "Seconds that a generation waits for a slot.", REQUEST_SECONDS),
                (
                    "first_character",
                    "Seconds from the queue to the first character.",
                    REQUEST_SECONDS,
                ),
                ("character", "Seconds from one character to the next.", CHARACTER_SECONDS),
            )
        )

    def repeated(self, seed_characters: int, text_characters: int) -> None:
        """Count an answer whose bytes were ready, as a hit of the cache."""
        self._hits.inc()
        self.seed_characters.inc(seed_characters)
        self.text_characters.inc(text_characters)

    def queued(self) -> None:
        """Count a generation that enters the queue."""
        self._waiting.inc()

    def started(self, rows: int) -> None:
        """Count a generation that leaves the queue, and observe the rows of the batch."""
        self._waiting.dec()
        self._running.inc()
        self._rows.observe(rows)

    def ended(self, sequence: Sequence) -> None:
        """Count a generation that left its slot or the queue, and observe the seconds of its stages.

        Characters that several generations share count once.
        """
        (self._waiting if sequence.admitted is None else self._running).dec()
        drawn, seconds = len(sequence.ids), sequence.seconds()
        if not drawn or not seconds or sequence.shared:
            return
        self._generated.inc(drawn)
        self._queue.observe(seconds["queue"])
        self._first.observe(seconds["queue"] + seconds["prefill"])
        if drawn > 1:
            self._character.observe(seconds["decode"] / (drawn - 1))

    @property
    def problem(self) -> str | None:
        """The lack of space for metrics at present, as a sentence; None: there is space."""
        if not MetricFile.unwritten:
            return None
        return "no space for metrics: each process without space shows its metrics alone"

    def text(self) -> bytes:
        """Return the metrics of all workers in Prometheus' text format.

        Where the folder is not set, was removed, or has no space, the metrics are those of this process.
        """
        folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
        if folder is None or not Path(folder).is_dir() or MetricFile.unwritten:
            return generate_latest(self._registry)
        everything = CollectorRegistry()
        AllProcesses(everything)  # type: ignore[no-untyped-call]
        return generate_latest(everything)


class AllProcesses(MultiProcessCollector):
    """Adds up the metrics of all workers.

    The collector of the library fails on a file that a worker has made and not yet written to.
    """

    def collect(self) -> Iterable[Metric]:
        """Return the metrics of all files that are written to."""
        files = [str(path) for path in Path(self._path).glob("*.db") if _is_written(path)]
        metrics: Iterable[Metric] = self.merge(files)  # type: ignore[no-untyped-call]
        return metrics


def _is_written(path: Path) -> bool:
    try:
        return path.stat().st_size > 0
    except FileNotFoundError:  # the worker ended at this moment
        return False
