"""Replicas of the service with one Redis."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from benchmarks.http.programs import service
from benchmarks.http.servers import MODEL, Server, random_store, running
from benchmarks.replicas.redis_server import MeasuredRedis, running_redis

# Seconds that Redis may take to answer: on a busy machine the default of 0.1 s makes misses of hits, and
# the simulation knows no failures.
PATIENCE = 5


@dataclass(frozen=True)
class Replicas:
    """Running services with one Redis."""

    servers: list[Server]
    redis: MeasuredRedis

    def processor_seconds(self) -> float:
        """Return the processor time of all processes so far, Redis included."""
        services = sum(sum(server.processor_seconds()) for server in self.servers)
        return services + self.redis.counts()["seconds"]


@contextmanager
def replicas_with_redis(count: int) -> Iterator[Replicas]:
    """Run services of one worker each, with the random model and one Redis, inside the context."""
    with ExitStack() as stack:
        store = stack.enter_context(random_store())
        redis = stack.enter_context(running_redis())
        settings = {"workers": 1, "redis_url": redis.url, "redis_timeout": PATIENCE}
        program = service(store=store, model=MODEL, **settings)
        yield Replicas([stack.enter_context(running(program)) for _ in range(count)], redis)


def cores() -> int:
    """Return the number of cores of this process, which is that of an engine's threads."""
    return len(os.sched_getaffinity(0))
