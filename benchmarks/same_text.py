"""What two replicas over one Redis pay for the same text at the same time, drawn twice or once.

`python -m benchmarks.same_text [--rounds N]`; docs/scale.md has the figures and what follows.
"""

import argparse
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from itertools import count
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter, process_time

import psutil
import redis

from tests.other_servers import RedisServer
from tests.servers import Service, serving

LENGTHS = (400, 2_000, 10_000)
SEED_TEXT = "It was the best of times, it was"

LOCKS = 1_000

Replicas = Sequence[Service]
Ask = Callable[[Service], float]
_seeds = count()  # each measurement has a text of its own


def main() -> None:
    """Print the processor time of both replicas, the seconds of the later answer, and a lock's cost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args().rounds
    with _replicas() as (replicas, redis_url):
        milliseconds = 1000 * median(_lock_seconds(redis_url) for _ in range(rounds))
        print(f"a lock: {milliseconds:.3f} ms of this process's processor")
        for length in (50, *LENGTHS):
            pairs = [[way(replicas, length) for way in (_twice, _once)] for _ in range(rounds)]
            if length in LENGTHS:  # the first one warms up
                for name, runs in zip(("twice", "once"), zip(*pairs, strict=True), strict=True):
                    processor, seconds = (median(values) for values in zip(*runs, strict=True))
                    print(f"{length} {name}: {processor:.3f} s of processors, {seconds:.3f} s")


def _twice(replicas: Replicas, length: int) -> tuple[float, float]:
    """Ask both replicas at the same time, before either has the text."""

    def both(ask: Ask) -> float:
        with ThreadPoolExecutor(2) as pool:
            return max(pool.map(ask, replicas))

    return _measured(replicas, length, both)


def _once(replicas: Replicas, length: int) -> tuple[float, float]:
    """Ask the second replica when the first has the text, as a lock would, at the best."""
    return _measured(replicas, length, lambda ask: sum(map(ask, replicas)))


def _measured(replicas: Replicas, length: int, way: Callable[[Ask], float]) -> tuple[float, float]:
    began = _processor_seconds(replicas)
    seconds = way(partial(_ask, length=length, random_seed=next(_seeds)))
    return _processor_seconds(replicas) - began, seconds


def _lock_seconds(redis_url: str) -> float:
    """Return the processor seconds of the client for one lock with a short life."""
    with redis.Redis.from_url(redis_url) as client:
        began = process_time()
        for number in range(LOCKS):
            client.set(f"lock:{number}", b"", nx=True, px=1_000)
        return (process_time() - began) / LOCKS


def _ask(service: Service, length: int, random_seed: int) -> float:
    began = perf_counter()
    answer = service.generate(seed=SEED_TEXT, length=length, random_seed=random_seed)
    if answer.status != 200:
        raise RuntimeError(f"status {answer.status}: {answer.body!r}")
    return perf_counter() - began


def _processor_seconds(replicas: Replicas) -> float:
    processes = [psutil.Process(replica.process.pid) for replica in replicas]
    family = [each for process in processes for each in (process, *process.children())]
    return sum(sum(each.cpu_times()[:2]) for each in family)


@contextmanager
def _replicas() -> Iterator[tuple[Replicas, str]]:
    server = RedisServer()
    try:
        with TemporaryDirectory() as folder:
            logs = [Path(folder) / name for name in "ab"]
            with (
                serving(logs[0], redis_url=server.url) as one,
                serving(logs[1], redis_url=server.url) as other,
            ):
                yield (one, other), server.url
    finally:
        server.stop()


if __name__ == "__main__":
    main()
