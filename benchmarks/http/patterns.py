"""(h) What patterns cost: in a step of the engine, and in a request for a thousand names."""

import multiprocessing
from collections.abc import Callable
from functools import partial

from benchmarks.http.client import SECONDS, Client, fresh_seed
from benchmarks.http.programs import service
from benchmarks.http.servers import Server, running
from benchmarks.report import Part
from benchmarks.rounds import Bar, interleave, ratios, spread

LOOP, SINGLE = "a step of 64 rows: no pattern, in the loop", "no pattern, single steps"
ONE, MANY = "one pattern for all", "64 patterns"
PATTERNS = {LOOP: 0, SINGLE: 0, ONE: 1, MANY: 64}
NAMES, REQUEST = "1,000 names by a pattern: engine alone", "one request, the hub"
NAME, COUNT = "[A-Z][a-z]{2,11}", 1000
NOTE = """\
A step is the processor time of one character of each of 64 rows in one batch of one thread. The names have 3 to 12
characters and are written by the bundled `shakespeare`. The hub's processor time holds its queue and its reports to the
HTTP worker, too."""


def measure(rounds: int, _: float) -> Part:
    """Measure steps with and without patterns, and a thousand names, in turns."""
    spawn = multiprocessing.get_context("spawn")
    program = service(model="shakespeare", workers=1, deadline=SECONDS)
    with spawn.Pool(1) as pool, running(program) as server:
        sides: dict[str, Callable[[], float]] = {
            name: partial(pool.apply, _milliseconds, (patterns, name != LOOP))
            for name, patterns in PATTERNS.items()
        }
        sides |= {NAMES: partial(pool.apply, _seconds), REQUEST: partial(_request, server)}
        for warm_up in sides.values():
            warm_up()
        values = interleave(sides, rounds, "patterns")
    return Part(
        name="patterns",
        title="Patterns: processor time",
        columns=["", "measured"],
        rows=[
            [name, f"{spread(values[name])} {'ms' if name in PATTERNS else 's'}"] for name in sides
        ],
        values=values,
        bars=[
            Bar("a step with 64 patterns", ratios(values[MANY], values[SINGLE]), "≤", 1.2),
            Bar("1,000 names by a pattern, engine alone", values[NAMES], "≤", 2, "s"),
        ],
        note=NOTE,
    )


def _milliseconds(patterns: int, single: bool) -> float:
    from benchmarks.peers.patterned import milliseconds  # noqa: PLC0415 - the parent runs no engine

    return milliseconds(patterns, single=single)


def _seconds() -> float:
    from benchmarks.peers.patterned import name_seconds  # noqa: PLC0415 - the parent runs no engine

    return name_seconds(COUNT, NAME)


def _request(server: Server) -> float:
    """Return the seconds of processor time that the hub takes for a request."""
    before, _ = server.processor_seconds()
    seed = COUNT * fresh_seed()
    Client(server).seconds(seed="", pattern=NAME, count=COUNT, random_seed=seed)
    after, _ = server.processor_seconds()
    return after - before
