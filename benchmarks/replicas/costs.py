"""What a request costs a worker, the engine, Redis and the client, measured on one replica."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import count
from statistics import median

from benchmarks.http.servers import Server
from benchmarks.http.wrk import TooShort
from benchmarks.replicas.cluster import Costs
from benchmarks.replicas.load import Run, drive
from benchmarks.replicas.redis_server import MeasuredRedis
from benchmarks.replicas.services import Replicas, cores
from benchmarks.rounds import Values, spread
from service.cache.streams import PREFIX

HIT_CLIENTS, MISS_CLIENTS = 8, 64
MOST = 100_000  # texts that a measurement may request

_ranges = count(1)

COSTS = {
    "repeat": "a worker, answer of its memory",
    "hit": "a worker, answer of Redis",
    "miss": "a worker, drawn text",
    "read": "Redis, hit",
    "write": "Redis, miss",
    "step": "an engine thread, step",
    "row": "an engine thread, row of a step",
    "client": "wrk, answer",
    "round_trip": "waiting, round trip to Redis",
}
"""The fields of `Costs`, as the table names them."""
ANSWER, SENT, RECEIVED = "bytes of an answer", "bytes from Redis, hit", "bytes to Redis, miss"
STREAM, STATE = "bytes of a stream in Redis' memory", "bytes of a state in Redis' memory"
HIT_COMMANDS, MISS_COMMANDS = "commands to Redis, hit", "commands to Redis, miss"


def fresh_texts(count: int = MOST) -> range:
    """Return the numbers of that many texts that no earlier request was for."""
    return range(first := MOST * next(_ranges), first + count)


@dataclass(frozen=True)
class _Spent:
    """Processor time and counts of one measurement, over all its requests."""

    run: Run
    hub: float
    worker: float
    characters: float
    requests: float
    redis: dict[str, float]


def measure_costs(server: Server, redis: MeasuredRedis, seconds: float) -> dict[str, float]:
    """Return the seconds of each of `COSTS`, and the bytes and commands of a hit and of a miss.

    A step of one row is measured with one client; a step of many rows with as many clients as slots,
    which the engine's threads share evenly.
    """

    def spend(
        clients: int, seconds: float, texts: int = MOST, *, past_memory: bool = False
    ) -> _Spent:
        drawn = fresh_texts(texts)
        load = partial(drive, [server], drawn, clients, seconds, past_memory=past_memory)
        try:
            return _spend(server, redis, load)
        except TooShort:
            return spend(clients, 2 * seconds, texts, past_memory=past_memory)

    repeat = spend(HIT_CLIENTS, seconds, 1)
    hit = spend(HIT_CLIENTS, seconds, 1, past_memory=True)
    alone, many = spend(1, seconds), spend(MISS_CLIENTS, seconds)
    return {
        "repeat": repeat.worker / repeat.requests,
        "hit": hit.worker / hit.requests,
        "miss": many.worker / many.requests,
        "read": hit.redis["seconds"] / hit.requests,
        "write": many.redis["seconds"] / many.requests,
        **_steps(alone.hub / alone.characters, many.hub / many.characters),
        "client": repeat.run.client_seconds / repeat.run.answers,
        "round_trip": redis.round_trip(),
        ANSWER: repeat.run.bytes / repeat.run.answers,
        SENT: hit.redis["sent"] / hit.requests,
        RECEIVED: alone.redis["received"] / alone.requests,
        STREAM: redis.memory(f"{PREFIX}[0-9a-f]*"),
        STATE: redis.memory(f"{PREFIX}state:*"),
        HIT_COMMANDS: hit.redis["getex"] / hit.requests,
        MISS_COMMANDS: (alone.redis["getex"] + alone.redis["set"]) / alone.requests,
    }


def _steps(alone: float, many: float) -> dict[str, float]:
    """Return the costs of a step, from those of a character alone and among the rows of full slots."""
    rows = MISS_CLIENTS / cores()
    step = (alone - many) * rows / (rows - 1)
    return {"step": step, "row": alone - step}


def median_costs(values: Mapping[str, Values]) -> Costs:
    """Return the medians of measured costs."""
    return Costs(**{name: max(0.0, median(values[name])) for name in COSTS})


def keep(values: dict[str, Values], found: Mapping[str, float]) -> None:
    """Append each number to the values of its name."""
    for name, value in found.items():
        values.setdefault(name, []).append(value)


def keep_costs(values: dict[str, Values], replicas: Replicas, seconds: float) -> float:
    """Append the costs of the first replica to the values, and return the seconds of a step."""
    found = measure_costs(replicas.servers[0], replicas.redis, 3 * seconds)
    keep(values, found)
    return found["step"]


def cost_rows(values: Mapping[str, Values]) -> list[tuple[str, str]]:
    """Return label and numbers of the costs in microseconds, and of the bytes and commands."""
    micro = [
        (f"{label}, µs", spread([1e6 * seconds for seconds in values[name]]))
        for name, label in COSTS.items()
    ]
    counts = (ANSWER, SENT, RECEIVED, STREAM, STATE, HIT_COMMANDS, MISS_COMMANDS)
    return micro + [(name, spread(values[name])) for name in counts]


def _spend(server: Server, redis: MeasuredRedis, load: Callable[[], Run]) -> _Spent:
    names = ("charloom_generated_characters_total", "charloom_cache_requests_total")
    hub, worker = server.processor_seconds()
    counts = [server.counted(name) for name in names]
    asked = redis.counts()
    run = load()
    after = redis.counts()
    hub_after, worker_after = server.processor_seconds()
    characters, requests = (server.counted(n) - c for n, c in zip(names, counts, strict=True))
    return _Spent(
        run,
        hub_after - hub,
        worker_after - worker,
        characters,
        requests,
        {name: value - asked.get(name, 0) for name, value in after.items()},
    )
