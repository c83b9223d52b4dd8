"""(j) What a replica answers by the cache's hit rate, simulated from the costs of a replica here."""

from dataclasses import dataclass, replace
from functools import partial
from math import ceil

import numpy as np

from benchmarks.http.wrk import CHARACTERS, installed
from benchmarks.replicas.cluster import Cluster, Costs, Load
from benchmarks.replicas.costs import cost_rows, keep_costs, median_costs
from benchmarks.replicas.services import replicas_with_redis
from benchmarks.replicas.simulation import simulate
from benchmarks.replicas.texts import Numbers, with_hit_rate, zipf
from benchmarks.report import Part
from benchmarks.rounds import Values, interleave, number

HIT_RATES = (0.0, 0.5, 0.8, 0.9, 0.95, 0.99, 1.0)
EXPONENTS = (0.6, 0.8, 1.0, 1.2)
POPULAR = 10_000  # known texts, by hit rate
TEXTS, EARLIER = 1_000_000, 1_000_000  # texts and requests before, by exponent
REQUESTS = 100_000
REPLICA = Cluster(cores=2, workers=2, threads=2)
ROUND_TRIP = 0.0005  # seconds to a Redis on another machine
FULL = 128  # clients, with which a replica is never idle
BUSY = 0.7  # of the requests that a replica can answer: beyond, the wait grows steeply
SECONDS = 10
DEMANDS = (1_000, 100_000)

TITLE = "One replica on two cores of its own, simulated"
COLUMNS = [
    "",
    "hits, %",
    "requests/s",
    f"median at {BUSY:.0%}, ms",
    f"95th percentile at {BUSY:.0%}, ms",
    *(f"replicas for {demand:,}/s" for demand in DEMANDS),
]
NOTE = f"""\
A replica has two workers and two engine threads on two cores of its own; Redis is {1000 * ROUND_TRIP} ms away;
{CHARACTERS} characters a text. *Requests/s*: {FULL} clients keep the replica busy. The latencies are those of
random arrivals (Poisson) at {BUSY:.0%} of that rate, and the replicas are counted at this rate. By Zipf: of
{TEXTS:,} texts, after {EARLIER:,} earlier requests, which Redis remembers."""


@dataclass(frozen=True)
class Demand:
    """The texts of requests, and the texts that Redis has."""

    name: str
    texts: Numbers
    known: Numbers


def measure(rounds: int, seconds: float) -> Part:
    """Measure the costs in every round, and simulate a replica with each demand."""
    if not installed():
        note = "**Skipped: wrk is not installed** (on Debian: `apt install wrk`)."
        return Part("capacity", TITLE, ["", ""], [], {}, note=note)
    values: dict[str, Values] = {}
    with replicas_with_redis(1) as replicas:
        side = partial(keep_costs, values, replicas, seconds)
        interleave({"costs": side}, rounds, "capacity")
    there = replace(median_costs(values), client=0.0, round_trip=ROUND_TRIP)
    padding = [""] * (len(COLUMNS) - 2)
    rows = [[label, cell, *padding] for label, cell in cost_rows(values)]
    rows += [_row(demand, there, values) for demand in demands()]
    return Part("capacity", TITLE, COLUMNS, rows, values, note=NOTE)


def rate_name(rate: float) -> str:
    """Return the name of the demand with a hit rate."""
    return f"hit rate {rate:.0%}"


def demands() -> list[Demand]:
    """Return a demand for each hit rate and for each exponent."""
    popular = np.arange(POPULAR)
    by_rate = [
        Demand(rate_name(rate), with_hit_rate(REQUESTS, POPULAR, rate, seed=1), popular)
        for rate in HIT_RATES
    ]
    return by_rate + [_by_zipf(exponent) for exponent in EXPONENTS]


def _by_zipf(exponent: float) -> Demand:
    texts = zipf(EARLIER + REQUESTS, TEXTS, exponent, seed=1)
    return Demand(f"Zipf {exponent}", texts[EARLIER:], np.unique(texts[:EARLIER]))


def _row(demand: Demand, costs: Costs, values: dict[str, Values]) -> list[str]:
    load = Load(demand.texts.tolist(), CHARACTERS, known=demand.known.tolist())
    full = simulate(REPLICA, costs, replace(load, clients=FULL), SECONDS)
    rate = BUSY * full.throughput
    calm = simulate(REPLICA, costs, replace(load, rate=rate), SECONDS)
    values[demand.name] = [full.throughput]
    return [
        demand.name,
        number(100 * calm.hit_rate),
        number(full.throughput),
        number(1000 * calm.percentile(50)),
        number(1000 * calm.percentile(95)),
        *(f"{ceil(wanted / rate):,}" for wanted in DEMANDS),
    ]
