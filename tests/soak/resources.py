"""What the processes of the service hold: threads, descriptors and memory."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from time import monotonic, sleep

import psutil

from service.pool import IDLE_SECONDS
from tests.servers import Service, wait_until
from tests.soak.faults import Scene

SECONDS_TO_REST = IDLE_SECONDS + 3  # in which the threads that answered end
MEANT = 2  # versions that stay loaded: the latest, and the first, which clients ask for by number


@dataclass(frozen=True)
class Held:
    """What a process holds; of several workers, the most that one holds."""

    threads: int
    descriptors: int
    """Without connections to Redis, of which a pool keeps as many as were once needed together."""
    memory: int
    """Resident bytes."""


@dataclass(frozen=True)
class Sample:
    """The resident bytes of a process at a monotonic time."""

    time: float
    role: str
    pid: int
    memory: int


def roles(service: Service) -> dict[str, list[psutil.Process]]:
    """Return the processes of the service by role."""
    hub, workers = service.family()
    return {"master": [psutil.Process(service.process.pid)], "hub": [hub], "worker": workers}


def at_rest(scene: Scene) -> dict[str, Held]:
    """Wait until nothing runs and unused versions are closed; return what each role holds."""
    wait_until(lambda: gauges(scene.service) == (0, 0), "gauges at zero")
    wait_until(lambda: loaded(scene.service) <= MEANT, "the end of unused versions")
    sleep(SECONDS_TO_REST)
    port = scene.redis.port
    return {
        role: _most([_held(process, port) for process in processes])
        for role, processes in roles(scene.service).items()
    }


def gauges(service: Service) -> tuple[float, float]:
    """Return the generations that run and that wait."""
    return service.metric("charloom_running"), service.metric("charloom_waiting")


def loaded(service: Service) -> int:
    """Return how many versions are loaded in one worker or another."""
    lines = service.get("/metrics").body.decode().splitlines()
    return sum(
        line.startswith("charloom_model_loaded{") and line.endswith(" 1.0") for line in lines
    )


def _held(process: psutil.Process, redis_port: int) -> Held:
    connections = process.net_connections("tcp")
    to_redis = sum(bool(each.raddr) and each.raddr.port == redis_port for each in connections)
    return Held(process.num_threads(), process.num_fds() - to_redis, process.memory_info().rss)


def _most(held: list[Held]) -> Held:
    return Held(
        max(each.threads for each in held),
        max(each.descriptors for each in held),
        max(each.memory for each in held),
    )


@contextmanager
def sampling(service: Service) -> Iterator[list[Sample]]:
    """Sample the memory of every process once a second, in a thread, until the end of the block."""
    samples: list[Sample] = []
    over = threading.Event()

    def run() -> None:
        while not over.wait(1.0):
            with suppress(ValueError, psutil.Error):  # a process that has just been killed
                samples.extend(_samples(service))

    thread = threading.Thread(target=run, name="sampling")
    thread.start()
    try:
        yield samples
    finally:
        over.set()
        thread.join()


def _samples(service: Service) -> list[Sample]:
    now = monotonic()
    return [
        Sample(now, role, process.pid, process.memory_info().rss)
        for role, processes in roles(service).items()
        for process in processes
    ]
