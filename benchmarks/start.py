"""(d) The seconds from the start of the process until it can answer, and its memory."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from benchmarks.http.client import Client, fresh_seed
from benchmarks.http.programs import Program, service
from benchmarks.http.servers import MODEL, Server, random_store, running
from benchmarks.report import Part
from benchmarks.rounds import Bar, Values, interleave, spread

BUNDLED, RANDOM, TWO = "bundled shakespeare", "random 3×512", "random 3×512, two workers"
BUSY_CLIENTS = 64
SECONDS, RSS, PSS, USS, BUSY = "seconds to ready", "RSS", "PSS", "USS", "RSS after 64 at once"


def measure(rounds: int, _: float) -> Part:
    """Start the service in every round, with each model, and with a second worker."""
    with random_store() as store:
        programs = {
            BUNDLED: service(model="shakespeare", workers=1),
            RANDOM: service(store=store, model=MODEL, workers=1),
            TWO: service(store=store, model=MODEL, workers=2),
        }
        values: dict[str, Values] = {}
        sides: dict[str, Callable[[], float]] = {
            name: partial(_start, name, program, values) for name, program in programs.items()
        }
        # The first start compiles Python files and fills the page cache, and is not counted.
        for name, program in programs.items():
            _start(name, program, {})
        for name, seconds in interleave(sides, rounds, "start").items():
            values[f"{name}: {SECONDS}"] = seconds
    kinds = [SECONDS, RSS, PSS, USS, BUSY]
    return Part(
        name="start",
        title="Start and memory (MB; all processes of the service together)",
        columns=["", *kinds],
        rows=[[name, *(spread(values[f"{name}: {kind}"]) for kind in kinds)] for name in programs],
        values=values,
        bars=[
            *(bar for name in (BUNDLED, RANDOM) for bar in _bars(name, values)),
            Bar("a further worker, RSS after 64 at once", _further(values), "≤", 40, "MB"),
        ],
    )


def _bars(name: str, values: dict[str, Values]) -> list[Bar]:
    return [
        Bar(f"{name}, ready", values[f"{name}: {SECONDS}"], "≤", 2, "s"),
        Bar(f"{name}, RSS after an answer", values[f"{name}: {RSS}"], "≤", 200, "MB"),
    ]


def _further(values: dict[str, Values]) -> Values:
    pairs = zip(values[f"{TWO}: {BUSY}"], values[f"{RANDOM}: {BUSY}"], strict=True)
    return [two - one for two, one in pairs]


def _start(name: str, program: Program, values: dict[str, Values]) -> float:
    """Return the seconds to ready, and append the memory of the service to the values."""
    with running(program) as server:
        _answer(server)
        memory = server.memory()
        with ThreadPoolExecutor(BUSY_CLIENTS) as pool:
            list(pool.map(_answer, [server] * BUSY_CLIENTS))
        memory[BUSY] = server.memory()[RSS]
        for kind, megabytes in memory.items():
            values.setdefault(f"{name}: {kind}", []).append(megabytes)
        return server.seconds_to_ready


def _answer(server: Server) -> None:
    Client(server).seconds(seed="The ", length=400, random_seed=fresh_seed())
