"""(c) The service over HTTP against the engine alone, and its cache against an empty route."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from statistics import median

from benchmarks.engine import OURS, PEERS
from benchmarks.http.client import Client, fresh_seed
from benchmarks.http.programs import empty, service
from benchmarks.http.servers import MODEL, Server, random_store, running
from benchmarks.http.wrk import (
    CHARACTERS,
    TooShort,
    generated_in_time,
    generated_per_second,
    installed,
    requests_per_second,
)
from benchmarks.report import Part
from benchmarks.rounds import Bar, Values, interleave, number, ratios, spread
from benchmarks.side import Side

SIZES = [1, 8, 64]
HIT_CLIENTS, FLOODED_CLIENTS = 16, 32
MANY_SECONDS = 4  # several times the duration of a wave of many clients
SEED_TEXT = "It was the best of times, it was"
HIT = json.dumps({"seed": SEED_TEXT, "length": CHARACTERS, "random_seed": 0})
REPEATS = 5  # of single requests, in each round

ENGINE, HTTP, STREAMED = "engine alone", "over HTTP", "over HTTP, streamed"
HITS, NOTHING = "cached hits, requests/s", "empty Flask route, requests/s"
HITS_OF_TWO = "cached hits of two workers, requests/s"
ALONE, FLOODED, FLOOD = "generation alone", "generation beside hits", "hits beside generation"
SHORT, EXTENSION, LONG = "400 fresh", "400 → 800", "800 fresh"
FIRST, PREFILL = "first character", "engine's own prefill"


@dataclass(frozen=True)
class Bench:
    """The running servers and sides."""

    service: Server
    single: Server
    """The service with one worker."""
    double: Server
    """The service with two workers."""
    empty: Server
    """The empty route, with one worker."""
    engine: Side
    prefill: Side
    floods: Values = field(default_factory=list)
    """Hits per second of each flood."""

    def sides(self, seconds: float) -> dict[str, Callable[[], float]]:
        """Return the measurements of one round, by name."""
        long = max(MANY_SECONDS, 4 * seconds)
        sides: dict[str, Callable[[], float]] = {}
        for size in SIZES:
            duration = long if size > FLOODED_CLIENTS else 2 * seconds
            generated = partial(self.generated, size, duration)
            sides[f"{ENGINE} @ {size}"] = partial(self.engine.rate, size, seconds)
            sides[f"{HTTP} @ {size}"] = generated
            sides[f"{STREAMED} @ {size}"] = partial(generated, stream=True)
        hits = {HITS: self.single, HITS_OF_TWO: self.double, NOTHING: self.empty}
        for name, server in hits.items():
            sides[name] = partial(requests_per_second, server, HIT, HIT_CLIENTS, 2 * seconds)
        sides[ALONE] = partial(self.generated, FLOODED_CLIENTS, long)
        sides[FLOODED] = partial(self.flooded, 2 * long)
        return sides | self.single_requests()

    def generated(self, clients: int, seconds: float, *, stream: bool = False) -> float:
        """Return the characters per second of all clients, and leave the service idle."""
        rate = generated_in_time(self.service, clients, seconds, stream=stream)
        self.service.wait_until_idle()
        return rate

    def flooded(self, seconds: float) -> float:
        """Return the characters per second while other clients fetch cached answers."""
        with ThreadPoolExecutor(1) as pool:
            # The flood lasts longer than the generations that it disturbs.
            flood = pool.submit(requests_per_second, self.service, HIT, HIT_CLIENTS, seconds + 1)
            try:
                rate = generated_per_second(self.service, FLOODED_CLIENTS, seconds)
            except TooShort:
                return self.flooded(2 * seconds)
            self.floods.append(flood.result())
        self.service.wait_until_idle()
        return rate

    def single_requests(self) -> dict[str, Callable[[], float]]:
        """Return the measurements of single requests, in milliseconds."""

        def fresh(client: Client, length: int) -> float:
            return client.seconds(seed=SEED_TEXT, length=length, random_seed=fresh_seed())

        def extension(client: Client) -> float:
            seed = fresh_seed()
            client.seconds(seed=SEED_TEXT, length=400, random_seed=seed)
            return client.seconds(seed=SEED_TEXT, length=800, random_seed=seed)

        def first(client: Client) -> float:
            seed = fresh_seed()
            return client.seconds_to_first(seed=SEED_TEXT, length=40, random_seed=seed)

        def prefill(_: Client) -> float:
            return self.prefill.seconds(1, len(SEED_TEXT))

        asked: dict[str, Callable[[Client], float]] = {
            SHORT: partial(fresh, length=400),
            EXTENSION: extension,
            LONG: partial(fresh, length=800),
            FIRST: first,
            PREFILL: prefill,
        }
        return {name: partial(self._milliseconds, ask) for name, ask in asked.items()}

    def _milliseconds(self, ask: Callable[[Client], float]) -> float:
        """Return the median of several requests."""
        client = Client(self.service)  # fresh: the server closes a connection idle for seconds
        return 1000 * median(ask(client) for _ in range(REPEATS))


@contextmanager
def _bench() -> Iterator[Bench]:
    with ExitStack() as stack:
        settings = {"store": stack.enter_context(random_store()), "model": MODEL}
        yield Bench(
            service=stack.enter_context(running(service(**settings))),
            single=stack.enter_context(running(service(**settings, workers=1))),
            double=stack.enter_context(running(service(**settings, workers=2))),
            empty=stack.enter_context(running(empty(workers=1))),
            engine=stack.enter_context(Side(PEERS[OURS])).warm_up(*SIZES),
            prefill=stack.enter_context(Side("charloom:Prefill.read")),
        )


def measure(rounds: int, seconds: float) -> Part:
    """Measure generation, hits, extensions, the first character and the flood."""
    if not installed():
        note = "**Skipped: wrk is not installed** (on Debian: `apt install wrk`)."
        return Part("serving", TITLE, ["", ""], [], {}, note=note)
    with _bench() as bench:
        sides = bench.sides(seconds)
        for name in (SHORT, FIRST, PREFILL):  # warm
            sides[name]()
        for server in (bench.service, bench.single, bench.double):  # fill the caches of all workers
            requests_per_second(server, HIT, HIT_CLIENTS, 1)
        values = interleave(sides, rounds, "HTTP")
        values[FLOOD] = bench.floods
    return Part("serving", TITLE, COLUMNS, _rows(values), values, _bars(values))


TITLE = "Over HTTP"
COLUMNS = ["", "measured", "against", "ratio"]


def _rows(values: dict[str, Values]) -> list[list[str]]:
    pairs = [
        *((f"{way} @ {size}", f"{ENGINE} @ {size}") for size in SIZES for way in (HTTP, STREAMED)),
        *((f"{STREAMED} @ {size}", f"{HTTP} @ {size}") for size in SIZES),
        (HITS, NOTHING),
        (HITS_OF_TWO, NOTHING),
        (FLOODED, ALONE),
        (EXTENSION, SHORT),
        (EXTENSION, LONG),
        (FIRST, PREFILL),
    ]
    rows = [
        [
            f"{_unit(name)[0]}, against {_unit(other)[0]}",
            f"{spread(values[name])} {_unit(name)[1]}",
            f"{spread(values[other])} {_unit(other)[1]}",
            f"{number(median(ratios(values[name], values[other])))} ×",
        ]
        for name, other in pairs
    ]
    return [*rows, [FLOOD, f"{spread(values[FLOOD])} requests/s", "", ""]]


def _unit(name: str) -> tuple[str, str]:
    if name in {EXTENSION, SHORT, LONG, FIRST, PREFILL}:
        return name, "ms"
    if name in {HITS, HITS_OF_TWO, NOTHING}:
        return name.removesuffix(", requests/s"), "requests/s"
    return name, "characters/s"


def _bars(values: dict[str, Values]) -> list[Bar]:
    def percent(name: str, other: str) -> Values:
        return [100 * ratio for ratio in ratios(values[name], values[other])]

    extra = [first - own for first, own in zip(values[FIRST], values[PREFILL], strict=True)]
    return [
        Bar(
            "1 client, share of the engine alone",
            percent(f"{HTTP} @ 1", f"{ENGINE} @ 1"),
            "≥",
            90,
            "%",
        ),
        Bar(
            "64 clients, share of the engine alone",
            percent(f"{HTTP} @ 64", f"{ENGINE} @ 64"),
            "≥",
            90,
            "%",
        ),
        Bar(
            "64 streams, share of whole answers",
            percent(f"{STREAMED} @ 64", f"{HTTP} @ 64"),
            "≥",
            85,
            "%",
        ),
        Bar("cached hit, share of an empty route", percent(HITS, NOTHING), "≥", 80, "%"),
        # Twice the hits of commit 7362791, which reached 49 % of an empty route with its one worker.
        Bar(
            "cached hits of two workers, share of an empty route of one",
            percent(HITS_OF_TWO, NOTHING),
            "≥",
            98,
            "%",
        ),
        Bar("400 → 800, times 400 fresh", ratios(values[EXTENSION], values[SHORT]), "≤", 1.2),
        Bar("first character, idle, over the engine's own prefill", extra, "≤", 3, "ms"),
        Bar("generation beside a flood of hits", percent(FLOODED, ALONE), "≥", 60, "%"),
    ]
