"""(h) The service over HTTP against the servers that a user would pick instead."""

import subprocess
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median
from threading import Event
from time import perf_counter, sleep

from benchmarks.http import programs
from benchmarks.http.client import Client, fresh_seed
from benchmarks.http.programs import Program
from benchmarks.http.servers import MODEL, Server, random_store, running
from benchmarks.http.wrk import CHARACTERS, generated_in_time, installed
from benchmarks.report import Part
from benchmarks.rounds import Bar, Values, interleave, progress, ratios, spread
from benchmarks.weights import SYMBOLS

SIZES = [1, 8, 64]
OURS = "charloom"
FIRST, RSS, PSS, START = "first character, ms", "RSS, MB", "PSS, MB", "s to the first answer"
AGAIN, BESIDE = "same bytes again", "same bytes beside others"
SEED_TEXT = "It was the best of times, it was"
REPEATS = 3  # of single requests, in each round
MANY_SECONDS = 4
WAVES = 1.5  # texts of each client in a run; the first is not counted
OTHERS = 7
HEAD_START = 0.05  # seconds in which the requests of the others arrive

TITLE = "Over HTTP, against other servers (characters/s of all clients, 400 characters a text)"
COLUMNS = ["", *(f"{size} at once" for size in SIZES), FIRST, RSS, PSS, START, AGAIN]
NOTE = """\
Each server runs in its own default form. A first character in brackets is a whole answer, from a server
that does not stream. Memory is that after the load of 64 clients. The last column says whether one
request with one random seed gave the same bytes alone, and beside seven others. A speed of 0 says that
requests failed."""


def measure(rounds: int, seconds: float) -> Part:
    """Start every server in every round, and measure the servers one after another."""
    if not installed():
        note = "**Skipped: wrk is not installed** (on Debian: `apt install wrk`)."
        return Part("peers", TITLE, ["", ""], [], {}, note=note)
    with random_store() as store:
        offered, skipped = _offered(store)
        values: dict[str, Values] = {}
        sides: dict[str, Callable[[], float]] = {
            name: partial(_visit, name, program, seconds, values)
            for name, program in offered.items()
        }
        for name, starts in interleave(sides, rounds, "peers").items():
            values[f"{name}: {START}"] = starts
    return Part(
        "peers",
        TITLE,
        COLUMNS,
        [_row(name, program, values) for name, program in offered.items()],
        values,
        _bars([name for name in offered if name != OURS], values),
        note="\n\n".join([NOTE, *skipped]),
    )


def _offered(store: Path) -> tuple[dict[str, Program], list[str]]:
    """Return the servers that can be started, and a sentence for each that cannot."""
    version = store / MODEL / "1"
    makers: Mapping[str, Callable[[], Program]] = {
        OURS: lambda: programs.service(store=store, model=MODEL),
        "llama-cpp-python, 6×384 transformer": lambda: programs.llama_cpp_python(_gguf(version)),
        "llama.cpp's llama-server, the same": lambda: programs.llama_server(_gguf(version)),
        "LitServe, same graph": lambda: programs.litserve(version),
        "BentoML, same graph": lambda: programs.bentoml(version),
        "Flask, TensorFlow's OneStep": programs.one_step,
    }
    offered, skipped = {}, []
    for name, make in makers.items():
        try:
            program = make()
            with running(program) as server:  # the first start also compiles Python files
                _text(server, 0)
        except (OSError, RuntimeError, subprocess.CalledProcessError) as error:
            skipped.append(f"**Skipped {name}:** {str(error).splitlines()[-1]}")
        else:
            offered[name] = program
    return offered, skipped


def _gguf(folder: Path) -> Path:
    """Write the transformer into a folder; return the file."""
    path = folder / "transformer.gguf"
    write = [programs.PEERS_PYTHON, "-m", "benchmarks.http.peers.transformer", str(path)]
    subprocess.run([*write, "".join(SYMBOLS)], check=True)
    return path


def _visit(name: str, program: Program, seconds: float, values: dict[str, Values]) -> float:
    """Append all that one start of a server gives to the values; return the seconds to its answer."""

    def keep(kind: str, value: float) -> None:
        values.setdefault(f"{name}: {kind}", []).append(value)

    with running(program) as server:
        begin = perf_counter()
        Client(server).seconds(seed=SEED_TEXT, length=1, random_seed=fresh_seed())
        start = server.seconds_to_ready + perf_counter() - begin
        keep(FIRST, _first(server))
        for kind, same in zip((AGAIN, BESIDE), _same_bytes(server), strict=True):
            keep(kind, same)
        for size, rate in _rates(server, seconds).items():
            keep(str(size), rate)
        memory = server.memory()
        keep(RSS, memory["RSS"])
        keep(PSS, memory["PSS"])
    return start


def _first(server: Server) -> float:
    """Return the milliseconds to the first character, the median of several requests."""

    def once() -> float:
        number = fresh_seed()  # in the seed text too, since llama.cpp keeps the last text's state
        seed = f"{number} {SEED_TEXT}"
        client = Client(server)  # fresh: llama-server closes a connection after a stream
        return client.seconds_to_first(seed=seed, length=CHARACTERS, random_seed=number)

    once()  # warm
    return 1000 * median(once() for _ in range(REPEATS))


def _rates(server: Server, seconds: float) -> dict[int, float]:
    """Return the characters per second by the number of clients; 0 where requests failed."""
    rates: dict[int, float] = {}
    wave = 0.0  # seconds that a text of one client takes
    for size in SIZES:
        try:
            long = max(MANY_SECONDS, 4 * seconds, WAVES * size * wave)
            rate = generated_in_time(server, size, long)
            wave = CHARACTERS / rate
        except RuntimeError as error:
            progress(f"peers, {size} at once: {error}")
            rate = 0.0
        rates[size] = rate
    return rates


def _same_bytes(server: Server) -> tuple[bool, bool]:
    """Return whether requests repeated alone, and beside others, gave the texts that they gave first."""
    seeds = [fresh_seed() for _ in range(REPEATS)]
    first, again = _texts(server, seeds), _texts(server, seeds)
    with _others(server):
        beside = _texts(server, seeds)
    return first == again, first == beside


@contextmanager
def _others(server: Server) -> Iterator[None]:
    """Let other clients ask for other texts as long as the context lasts."""
    done = Event()

    def ask() -> None:
        while not done.is_set():
            _text(server, fresh_seed())

    with ThreadPoolExecutor(OTHERS) as pool:
        others = [pool.submit(ask) for _ in range(OTHERS)]
        try:
            sleep(HEAD_START)
            yield
        finally:
            done.set()
    for each in others:
        each.result()


def _texts(server: Server, seeds: list[int]) -> list[str]:
    return [_text(server, seed) for seed in seeds]


def _text(server: Server, random_seed: int) -> str:
    text = Client(server).text(seed=SEED_TEXT, length=CHARACTERS, random_seed=random_seed)
    if len(text) != CHARACTERS:
        raise RuntimeError(f"{len(text)} characters instead of {CHARACTERS}")
    return text


def _row(name: str, program: Program, values: dict[str, Values]) -> list[str]:
    def cell(kind: str) -> str:
        return spread(values[f"{name}: {kind}"])

    again, beside = (all(values[f"{name}: {kind}"]) for kind in (AGAIN, BESIDE))
    first = cell(FIRST) if program.wire.streams else f"[{cell(FIRST)}]"
    same = "yes" if again and beside else "alone only" if again else "no"
    speeds = [cell(str(size)) for size in SIZES]
    return [name, *speeds, first, *(cell(kind) for kind in (RSS, PSS, START)), same]


def _bars(peers: list[str], values: dict[str, Values]) -> list[Bar]:
    """Return a bar for each number of clients: charloom is ahead of the fastest peer."""
    return [
        Bar(
            f"{size} at once, times the fastest peer",
            ratios(
                values[f"{OURS}: {size}"],
                [max(each) for each in zip(*(values[f"{p}: {size}"] for p in peers), strict=True)],
            ),
            "≥",
            1,
        )
        for size in SIZES
        if peers
    ]
