"""The crowd: clients in threads, of five kinds, each seeded so that a run can be repeated."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPException
from random import Random
from time import monotonic

from tests.servers import Service
from tests.soak.ledger import LOST, Ledger, Seen
from tests.soak.requests import pinned, rubbish, streamed, uncached, wanted, whole

PAUSE = 2.0  # mean seconds between two requests of a client


def stream(service: Service, random: Random) -> Seen:
    """Read a stream of events to its end."""
    return streamed(service, pinned(random, wanted(random)), uncached(random))


def stop(service: Service, random: Random) -> Seen:
    """Ask for a text that a stop string ends."""
    fields = wanted(random) | {"stop": [random.choice("aeiou"), "\n\n"]}
    return whole(service, fields, uncached(random))


def vanish(service: Service, random: Random) -> Seen:
    """Leave after the first event of a long text."""
    events = service.stream(uncached(random), **wanted(random) | {"length": 2_000})
    if events.status == 200:
        next(iter(events), None)
    events.close()
    return Seen(events.status)


def repeat(service: Service, random: Random) -> Seen:
    """Ask for one of a few texts, which the cache soon knows."""
    return whole(service, wanted(random, variety=3), {})


KINDS: dict[str, Callable[[Service, Random], Seen]] = {
    "streams": stream,
    "stops": stop,
    "vanishes": vanish,
    "repeats": repeat,
    "sends rubbish": rubbish,
}


@contextmanager
def crowd(service: Service, ledger: Ledger, clients: int, seed: str) -> Iterator[None]:
    """Let clients ask until the end of the block, and wait for their last answers."""
    over = threading.Event()

    def ask(number: int) -> None:
        kind, random = kinds[number % len(kinds)], Random(f"{seed} {number}")
        while not over.wait(random.expovariate(1 / PAUSE)):
            began = monotonic()
            seen = _visit(service, kind, random)
            ledger.enter(kind, began, monotonic(), seen)

    kinds = list(KINDS)
    with ThreadPoolExecutor(clients) as pool:
        running = [pool.submit(ask, number) for number in range(clients)]
        try:
            yield
        finally:
            over.set()
    for client in running:
        client.result()  # an answer that is no JSON, for instance, ends the soak


def _visit(service: Service, kind: str, random: Random) -> Seen:
    try:
        return KINDS[kind](service, random)
    except (OSError, HTTPException):
        return Seen(LOST)
