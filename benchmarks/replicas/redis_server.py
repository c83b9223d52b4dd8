"""A real Redis in a process, and what Redis counts of itself."""

from collections.abc import Iterator
from contextlib import contextmanager
from statistics import mean, median
from time import perf_counter

import psutil
import redis

from tests.other_servers import RedisServer

PINGS = 200


class MeasuredRedis(RedisServer):
    """A running Redis that keeps its values in memory alone."""

    def __init__(self) -> None:
        super().__init__()
        self.client = redis.Redis.from_url(self.url)

    def counts(self) -> dict[str, float]:
        """Return the seconds of processor time, the bytes received and sent, and the calls by command."""
        times = psutil.Process(self.process.pid).cpu_times()
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
        """Close the connection and kill Redis."""
        self.client.close()
        super().stop()


@contextmanager
def running_redis() -> Iterator[MeasuredRedis]:
    """Run a Redis inside the context."""
    server = MeasuredRedis()
    try:
        yield server
    finally:
        server.stop()
