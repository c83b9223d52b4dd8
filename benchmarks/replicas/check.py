"""(i) One and three replicas with one Redis, measured, and simulated with the costs of one replica."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from statistics import median

from benchmarks.http.wrk import CHARACTERS, installed
from benchmarks.replicas.cluster import Cluster, Costs, Load
from benchmarks.replicas.costs import cost_rows, fresh_texts, keep, keep_costs, median_costs
from benchmarks.replicas.load import drive
from benchmarks.replicas.services import Replicas, cores, replicas_with_redis
from benchmarks.replicas.simulation import simulate
from benchmarks.replicas.texts import zipf
from benchmarks.report import Part
from benchmarks.rounds import Bar, Values, interleave, number, ratios, spread

REPLICAS = (1, 3)
EXPONENTS = (0.7, 1.1)
CLIENTS, TEXTS, REQUESTS = 24, 3000, 100_000
LEAST_SECONDS = 10
COSTS = "costs"
RATE, HITS, MEDIAN, LATE = "requests/s", "hits, %", "median, ms", "95th percentile, ms"
USED = "processor time of an answer, ms"
KINDS = (RATE, HITS, MEDIAN, LATE, USED)
SIMULATED = "simulated: "

TITLE = "Replicas with one Redis on this machine, measured and simulated"
COLUMNS = ["", "measured", "simulated", "simulated / measured"]
NOTE = f"""\
Each replica has one worker, and an engine thread for each core; {CLIENTS} clients request {CHARACTERS}
characters at a time, of {TEXTS:,} texts whose popularity follows Zipf's law, and no text is known at the
begin of a run. All processes share the cores of this machine. The simulation takes the costs above, and
nothing else that was measured. *Processor time*: of all processes, wrk and Redis included."""


@dataclass(frozen=True)
class Case:
    """A number of replicas, and the exponent of the texts' popularity."""

    replicas: int
    exponent: float

    def key(self, kind: str) -> str:
        """Return the name of a kind of number of this case."""
        plural = "s" if self.replicas > 1 else ""
        return f"{self.replicas} replica{plural}, Zipf {self.exponent}: {kind}"

    def texts(self, turn: int) -> list[int]:
        """Return the numbers of the texts in a round, in the order of the requests."""
        return list(map(int, zipf(REQUESTS, TEXTS, self.exponent, seed=turn)))


CASES = [Case(replicas, exponent) for exponent in EXPONENTS for replicas in REPLICAS]


def measure(rounds: int, seconds: float) -> Part:
    """Measure the costs and every case in each round, and simulate every case."""
    if not installed():
        note = "**Skipped: wrk is not installed** (on Debian: `apt install wrk`)."
        return Part("replicas", TITLE, ["", ""], [], {}, note=note)
    duration = max(LEAST_SECONDS, 10 * seconds)
    values: dict[str, Values] = {}
    with replicas_with_redis(max(REPLICAS)) as replicas:
        sides: dict[str, Callable[[], float]] = {
            COSTS: partial(keep_costs, values, replicas, seconds)
        }
        for case in CASES:
            sides[case.key(RATE)] = partial(_run, values, case, replicas, duration)
        interleave(sides, rounds, "replicas")
    for turn in range(rounds):
        for case in CASES:
            _simulate(values, case, turn, median_costs(values), duration)
    rows = [[label, cell, "", ""] for label, cell in cost_rows(values)]
    rows += [_row(case.key(kind), values) for case in CASES for kind in KINDS]
    return Part("replicas", TITLE, COLUMNS, rows, values, _bars(values), NOTE)


def _run(values: dict[str, Values], case: Case, replicas: Replicas, seconds: float) -> float:
    """Let the clients request texts that no cache knows; return the answers per second."""
    turn = len(values.get(case.key(RATE), []))
    (first,) = fresh_texts(1)
    texts = [first + text for text in case.texts(turn)]
    servers = replicas.servers[: case.replicas]
    before = replicas.processor_seconds()
    run = drive(servers, texts, CLIENTS, seconds)
    used = replicas.processor_seconds() - before + run.client_seconds
    found = {
        RATE: run.answers / run.seconds,
        HITS: 100 * run.hits / run.answers,
        MEDIAN: 1000 * run.median,
        LATE: 1000 * run.late,
        USED: 1000 * used / run.answers,
    }
    keep(values, {case.key(kind): value for kind, value in found.items()})
    return found[RATE]


def _simulate(
    values: dict[str, Values], case: Case, turn: int, costs: Costs, seconds: float
) -> None:
    """Append the numbers of a case, as the simulation has them, to the values."""
    cluster = Cluster(case.replicas, cores(), one_machine=True, workers=1, threads=cores())
    load = Load(case.texts(turn), CHARACTERS, clients=CLIENTS)
    outcome = simulate(cluster, costs, load, seconds)
    found = {
        RATE: outcome.throughput,
        HITS: 100 * outcome.hit_rate,
        MEDIAN: 1000 * outcome.percentile(50),
        LATE: 1000 * outcome.percentile(95),
        USED: 1000 * outcome.used / len(outcome.latencies),
    }
    keep(values, {SIMULATED + case.key(kind): value for kind, value in found.items()})


def _row(key: str, values: Mapping[str, Values]) -> list[str]:
    measured, simulated = values[key], values[SIMULATED + key]
    ratio = f"{number(median(ratios(simulated, measured)))} ×" if all(measured) else ""
    return [key, spread(measured), spread(simulated), ratio]


def _bars(values: Mapping[str, Values]) -> list[Bar]:
    """Return a bar for each case: the simulated throughput is near the measured one."""
    return [
        Bar(
            f"{case.key(RATE)}, simulated, off by",
            [
                100 * abs(ratio - 1)
                for ratio in ratios(values[SIMULATED + case.key(RATE)], values[case.key(RATE)])
            ],
            "≤",
            25,
            "%",
        )
        for case in CASES
    ]
