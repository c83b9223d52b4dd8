"""(h) What patterns cost: in a step of the engine, and in a request for a thousand names."""

import multiprocessing
from collections.abc import Callable
from functools import partial
from multiprocessing.pool import Pool

from benchmarks.http.client import SECONDS, Client, fresh_seed
from benchmarks.http.programs import service
from benchmarks.http.servers import Server, running
from benchmarks.report import Part
from benchmarks.rounds import Bar, interleave, ratios, spread

LOOP, SINGLE = "no pattern, in the loop", "no pattern, single steps"
ONE, MANY = "one pattern for all", "64 patterns"
PATTERNS = {LOOP: 0, SINGLE: 0, ONE: 1, MANY: 64}
NAMES, PLAIN = "1,000 names by a pattern", "1,000 texts of 12 characters"
REQUESTS: dict[str, dict[str, str | int]] = {
    NAMES: {"pattern": "[A-Z][a-z]{2,11}"},
    PLAIN: {"length": 12},
}
COUNT = 1000
NOTE = """\
A row of the steps is the processor time of one character of each of 64 rows in one batch of one thread. A row of the
requests is the processor time of the hub for one `POST /generate` with `"count": 1000` and the bundled `shakespeare`."""


def measure(rounds: int, _: float) -> Part:
    """Measure steps with and without patterns, and requests for many short texts, in turns."""
    spawn = multiprocessing.get_context("spawn")
    program = service(model="shakespeare", workers=1, deadline=SECONDS)
    with spawn.Pool(1) as pool, running(program) as server:
        steps: dict[str, Callable[[], float]] = {
            name: partial(_step, pool, name) for name in PATTERNS
        }
        requests: dict[str, Callable[[], float]] = {
            name: partial(_request, server, name) for name in REQUESTS
        }
        for warm_up in (*steps.values(), *requests.values()):
            warm_up()
        values = interleave(steps | requests, rounds, "patterns")
    return Part(
        name="patterns",
        title="Patterns: processor time",
        columns=["", "measured"],
        rows=[
            *([f"a step of 64 rows, {name}", f"{spread(values[name])} ms"] for name in steps),
            *([name, f"{spread(values[name])} s"] for name in requests),
        ],
        values=values,
        bars=[
            Bar("a step with 64 patterns", ratios(values[MANY], values[SINGLE]), "≤", 1.2),
            Bar(f"{NAMES}, in the hub", values[NAMES], "≤", 2, "s"),
        ],
        note=NOTE,
    )


def _step(pool: Pool, name: str) -> float:
    """Return the milliseconds of a step, from the process of the pool."""
    return pool.apply(_milliseconds, (PATTERNS[name], name != LOOP))


def _milliseconds(patterns: int, single: bool) -> float:
    from benchmarks.peers.patterned import milliseconds  # noqa: PLC0415 - the parent runs no engine

    return milliseconds(patterns, single=single)


def _request(server: Server, name: str) -> float:
    """Return the seconds of processor time that the hub takes for a request."""
    before, _ = server.processor_seconds()
    Client(server).seconds(seed="", count=COUNT, random_seed=COUNT * fresh_seed(), **REQUESTS[name])
    after, _ = server.processor_seconds()
    return after - before
