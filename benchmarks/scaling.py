"""(g) The engine and the service on some of the machine's cores, and what more cores should give."""

import multiprocessing
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from statistics import median

from benchmarks.engine import OURS, PEERS
from benchmarks.http.programs import service
from benchmarks.http.servers import MODEL, random_store, running
from benchmarks.http.wrk import CHARACTERS, generated_in_time, installed
from benchmarks.report import Part
from benchmarks.rounds import Bar, Values, interleave, number, spread
from benchmarks.side import Side

ROWS = 32  # for each core: the size of a batch that the bar is over
MEASURED, RECKONED = (1, 2, 4, 8, 16, 32, 64), (16, 64)
MANY_SECONDS = 4
ENGINE, HTTP, LOCK = "engine alone", "over HTTP", "lock, %"
NOTE = """\
Each core has a batch of {rows} sequences. The engine holds the interpreter's lock for {share} % of a step,
so that its threads keep at most {most} cores busy. The reckoned rows are the engine's speed on one core,
times the cores that this share keeps busy (mean value analysis of threads that queue for one lock), and,
over HTTP, times the share of the engine's speed that HTTP reaches on the most cores measured. They take
for granted that memory, caches and clock give each further core what they give the first."""


def measure(rounds: int, seconds: float) -> Part:
    """Measure the engine and the service on 1, 2, 4 … cores in turn, and the lock's share."""
    cores = [count for count in MEASURED if count <= len(os.sched_getaffinity(0))]
    with ExitStack() as stack:
        sides: dict[str, Callable[[], float]] = {LOCK: _lock}
        for count in cores:
            sides |= _sides(stack, count, seconds)
        values = interleave(sides, rounds, "scaling")
    share = median(values[LOCK]) / 100
    rows = [[f"{count} cores", *_measured(count, values)] for count in cores]
    rows += [
        [f"{count} cores, reckoned", *_reckoned(count, cores[-1], share, values)]
        for count in RECKONED
        if count > cores[-1]
    ]
    return Part(
        "scaling",
        "By the number of cores (characters/s)",
        ["", ENGINE, HTTP],
        rows,
        values,
        [Bar(f"the interpreter's lock, share of a step of {ROWS} rows", values[LOCK], "≤", 4, "%")],
        NOTE.format(rows=ROWS, share=number(100 * share), most=number(1 / share)),
    )


def busy_cores(threads: int, share: float) -> float:
    """Return how many cores threads keep busy when each holds one lock for a share of its step.

    Exact mean value analysis of a closed network with one queue: Reiser and Lavenberg, 1980. With
    many threads the result approaches 1 / share, which is Amdahl's limit.
    """
    rate = waiting = 0.0  # steps in the time of one step; threads that hold the lock or wait for it
    for count in range(1, threads + 1):
        seconds = share * (1 + waiting)
        rate = count / (1 - share + seconds)
        waiting = rate * seconds
    return rate


def _sides(stack: ExitStack, cores: int, seconds: float) -> dict[str, Callable[[], float]]:
    sequences = cores * ROWS
    with on_cores(cores):  # what is started here stays on these cores
        engine = stack.enter_context(Side(PEERS[OURS])).warm_up(sequences)
        sides: dict[str, Callable[[], float]] = {
            f"{ENGINE} @ {cores}": partial(engine.rate, sequences, seconds)
        }
        if installed():
            store = stack.enter_context(random_store())
            program = service(store=store, model=MODEL, slots=sequences)
            server = stack.enter_context(running(program))
            long = max(MANY_SECONDS, 4 * seconds)
            sides[f"{HTTP} @ {cores}"] = partial(generated_in_time, server, sequences, long)
    return sides


@contextmanager
def on_cores(count: int) -> Iterator[None]:
    """Run this thread, and the processes that it starts, on that many of its cores."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(before)[:count])
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _lock() -> float:
    """Return the percentage of a step that holds the lock, from a process of its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return 100 * pool.apply(_share_held)


def _share_held() -> float:
    from benchmarks.peers.lock import share_held  # noqa: PLC0415 - the parent runs no engine

    return share_held(ROWS, CHARACTERS)


def _measured(cores: int, values: dict[str, Values]) -> list[str]:
    return [spread(values.get(f"{way} @ {cores}", [])) for way in (ENGINE, HTTP)]


def _reckoned(cores: int, most: int, share: float, values: dict[str, Values]) -> list[str]:
    engine = median(values[f"{ENGINE} @ 1"]) * busy_cores(cores, share)
    if f"{HTTP} @ {most}" not in values:
        return [number(engine), ""]
    kept = median(values[f"{HTTP} @ {most}"]) / median(values[f"{ENGINE} @ {most}"])
    return [number(engine), number(engine * kept)]
