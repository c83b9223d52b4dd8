"""The faults, and how the soak knows that the service is whole again."""

import signal
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from time import monotonic, sleep

import psutil

from tests.factories import publish_random_model
from tests.other_servers import RedisServer
from tests.servers import Service, freeze, wait_until
from tests.soak.ledger import Episode
from tests.soak.requests import MODEL, NO_STORE

WORKERS = 2
PROBES = 6  # good answers in a row, which come from both workers
REDIS_SECONDS = 5.0
CALM_SECONDS = 4.0  # between the end of a fault and the next fault
PAUSE_SECONDS = 4.0  # of the hub; shorter than the silence after which the hub is replaced
STANDSTILL_SECONDS = 12.0  # of every process; longer than any of them may be silent
RECOVERY_SECONDS = 3.0  # after which no process can be taken for a frozen one any longer


@dataclass(frozen=True)
class Scene:
    """The parts that faults are made in."""

    service: Service
    redis: RedisServer
    store: Path


@dataclass(frozen=True)
class Fault:
    """A fault: `make` returns the processes that the service must replace."""

    name: str
    make: Callable[[Scene], list[psutil.Process]]
    may_lose: bool = False
    """Whether clients of a worker may lose their connection."""


def _signal(processes: list[psutil.Process], number: signal.Signals) -> list[psutil.Process]:
    for process in processes:
        process.send_signal(number)
    return processes


def _hub(scene: Scene) -> list[psutil.Process]:
    return [scene.service.family()[0]]


def _workers(scene: Scene) -> list[psutil.Process]:
    return scene.service.family()[1]


def _freeze_redis(scene: Scene) -> list[psutil.Process]:
    scene.redis.freeze()
    sleep(REDIS_SECONDS)
    scene.redis.thaw()
    return []


def _kill_redis(scene: Scene) -> list[psutil.Process]:
    scene.redis.stop()
    sleep(REDIS_SECONDS)
    scene.redis.start()
    return []


def _pause(scene: Scene) -> list[psutil.Process]:
    """Pause every process of the service, as `docker pause` does; none may be replaced for that."""
    hub, workers = scene.service.family()
    processes = [psutil.Process(scene.service.process.pid), *workers, hub]
    for process in processes:
        freeze(process)
    sleep(STANDSTILL_SECONDS)
    _signal(processes, signal.SIGCONT)
    sleep(RECOVERY_SECONDS)
    if scene.service.family() != (hub, workers):
        raise AssertionError("a process was replaced after a pause of the whole service")
    return []


def _publish(scene: Scene) -> list[psutil.Process]:
    """Publish a version, and wait until the version answers."""
    version = publish_random_model(scene.store, MODEL, seed=_next_seed(scene)).version

    def answers() -> bool:
        given = scene.service.generate(seed="a", length=1)
        return given.status == 200 and given.json["version"] == version

    wait_until(lambda: all(answers() for _ in range(PROBES)), f"version {version}")
    return []


def _next_seed(scene: Scene) -> int:
    """Return a seed that gives each version other weights."""
    return len(list((scene.store / MODEL).iterdir()))


PUBLISHED = Fault("version published", _publish)
REPLACED = [
    Fault("hub killed", lambda scene: _signal(_hub(scene), signal.SIGKILL)),
    Fault("one worker killed", lambda s: _signal(_workers(s)[:1], signal.SIGKILL), may_lose=True),
]
FAULTS = [
    *REPLACED,
    Fault(f"Redis frozen for {REDIS_SECONDS:.0f} s", _freeze_redis),
    PUBLISHED,
    Fault("hub frozen", lambda scene: _signal(_hub(scene), signal.SIGSTOP)),
    Fault("both workers killed", lambda s: _signal(_workers(s), signal.SIGKILL), may_lose=True),
    Fault(f"Redis killed, back empty after {REDIS_SECONDS:.0f} s", _kill_redis),
    Fault(
        "hub and one worker killed",
        lambda s: _signal([*_hub(s), *_workers(s)[:1]], signal.SIGKILL),
        may_lose=True,
    ),
    Fault(f"service paused for {STANDSTILL_SECONDS:.0f} s", _pause),
    Fault("one worker frozen", lambda s: _signal(_workers(s)[:1], signal.SIGSTOP), may_lose=True),
]


def make(fault: Fault, scene: Scene) -> Episode:
    """Make a fault, wait until the service is whole again, and then let clients ask for a while."""
    episode = Episode(fault.name, monotonic(), fault.may_lose)
    lost = fault.make(scene)
    wait_until(lambda: not any(process.is_running() for process in lost), "the end of the lost")
    wait_until(lambda: is_whole(scene.service), "a whole service")
    episode.whole = monotonic()
    sleep(CALM_SECONDS)
    episode.over = monotonic()
    return episode


def is_whole(service: Service) -> bool:
    """Whether the hub draws, and every worker answers without a problem."""
    try:
        _, workers = service.family()
        # A forked worker has two threads until its application is assembled.
        answering = [worker for worker in workers if worker.num_threads() > 2]
        drawn = service.generate(NO_STORE, seed="a", length=1)
        answers = [service.get("/readyz") for _ in range(PROBES)]
    except (OSError, HTTPException, ValueError, psutil.NoSuchProcess):
        return False
    sound = all(answer.status == 200 and "problems" not in answer.json for answer in answers)
    return sound and drawn.status == 200 and len(answering) == len(workers) == WORKERS


def fill_the_threads(scene: Scene) -> None:
    """Pause the hub for so long that every thread of the workers is taken once.

    Workers start threads when they need them, so a worker without this pause has fewer threads and
    less memory than another.
    """
    hub = _hub(scene)
    _signal(hub, signal.SIGSTOP)
    sleep(PAUSE_SECONDS)
    _signal(hub, signal.SIGCONT)
    sleep(CALM_SECONDS)
