"""(d) The seconds from the start of the process until it can answer, and its memory."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import psutil

from benchmarks.http.client import Client, fresh_seed
from benchmarks.http.servers import MODEL, SERVICE, Server, random_store, running
from benchmarks.report import Part
from benchmarks.rounds import Bar, Values, interleave, spread

BUNDLED = "shakespeare"
BUSY_CLIENTS = 64
SECONDS, RSS, PSS, USS, BUSY = "seconds to ready", "RSS", "PSS", "USS", "RSS after 64 at once"
MEGABYTE = 1_000_000


def measure(rounds: int, _: float) -> Part:
    """Start the service in every round, with the bundled model and with the random model."""
    with random_store() as store:
        models = {f"bundled {BUNDLED}": ("models", BUNDLED), "random 3×512": (str(store), MODEL)}
        values: dict[str, Values] = {}
        sides: dict[str, Callable[[], float]] = {
            name: partial(_start, name, Path(folder), model, values)
            for name, (folder, model) in models.items()
        }
        # The first start compiles Python files and fills the page cache, and is not counted.
        for name, (folder, model) in models.items():
            _start(name, Path(folder), model, {})
        for name, seconds in interleave(sides, rounds, "start").items():
            values[f"{name}: {SECONDS}"] = seconds
    kinds = [SECONDS, RSS, PSS, USS, BUSY]
    return Part(
        name="start",
        title="Start and memory (MB; all processes of the service together)",
        columns=["", *kinds],
        rows=[[name, *(spread(values[f"{name}: {kind}"]) for kind in kinds)] for name in models],
        values=values,
        bars=[
            bar
            for name in models
            for bar in (
                Bar(f"{name}, ready", values[f"{name}: {SECONDS}"], "≤", 2, "s"),
                Bar(f"{name}, RSS after an answer", values[f"{name}: {RSS}"], "≤", 200, "MB"),
            )
        ],
    )


def _start(name: str, store: Path, model: str, values: dict[str, Values]) -> float:
    """Return the seconds to ready, and append the memory of the service to the values."""
    with running(SERVICE, store=store, model=model) as server:
        _answer(server)
        memory = _memory(server.process.pid)
        with ThreadPoolExecutor(BUSY_CLIENTS) as pool:
            list(pool.map(_answer, [server] * BUSY_CLIENTS))
        memory[BUSY] = _memory(server.process.pid)[RSS]
        for kind, megabytes in memory.items():
            values.setdefault(f"{name}: {kind}", []).append(megabytes)
        return server.seconds_to_ready


def _answer(server: Server) -> None:
    Client(server.port).seconds(seed="The ", length=400, random_seed=fresh_seed())


def _memory(master: int) -> dict[str, float]:
    """Return megabytes; RSS counts a shared page in each process, PSS divides the page among them."""
    parent = psutil.Process(master)
    family = [process.memory_full_info() for process in [parent, *parent.children(recursive=True)]]
    return {
        RSS: sum(one.rss for one in family) / MEGABYTE,
        PSS: sum(one.pss for one in family) / MEGABYTE,
        USS: sum(one.uss for one in family) / MEGABYTE,
    }
