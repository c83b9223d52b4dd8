"""The simulation of replicas holds the laws of queues, and the numbers that can be had by hand."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.replicas.clock import Clock
from benchmarks.replicas.cluster import Cluster, Costs, Load, Outcome
from benchmarks.replicas.cores import Cores, speeds
from benchmarks.replicas.simulation import simulate
from benchmarks.replicas.texts import with_hit_rate, zipf

COSTS = Costs(
    repeat=0.0004,
    hit=0.001,
    miss=0.002,
    read=0.00003,
    write=0.0001,
    step=0.0001,
    row=0.00003,
    client=0.00002,
    round_trip=0.0002,
)
CHARACTERS = 40

clusters = st.builds(
    Cluster,
    replicas=st.integers(1, 3),
    cores=st.integers(1, 3),
    one_machine=st.booleans(),
    workers=st.integers(1, 2),
    threads=st.integers(1, 2),
    slots=st.sampled_from([2, 64]),
    queue=st.integers(0, 4),
    ready=st.sampled_from([1, 1000]),
)
streams = st.lists(st.integers(0, 9), min_size=1, max_size=80)
loads = st.builds(Load, streams, st.just(CHARACTERS), clients=st.integers(3, 20)) | st.builds(
    Load, streams, st.just(CHARACTERS), rate=st.sampled_from([20.0, 1000.0])
)
few = settings(max_examples=25)


@few
@given(clusters, streams, st.integers(3, 20), st.floats(0.0001, 0.1))
def test_every_request_is_answered_refused_or_there(
    cluster: Cluster, texts: list[int], clients: int, seconds: float
) -> None:
    """As many requests are inside as clients have texts left; in the end every text is answered or refused."""
    load = Load(texts, CHARACTERS, clients=clients)
    early, drained = simulate(cluster, COSTS, load, seconds), simulate(cluster, COSTS, load)
    ended = len(early.latencies) + early.ended["refused"]
    assert 0 <= early.arrived - ended <= clients
    assert early.arrived - ended == early.inside
    assert drained.arrived == len(texts) == len(drained.latencies) + drained.ended["refused"]


@few
@given(clusters, loads)
def test_the_cores_are_busy_for_what_the_requests_cost(cluster: Cluster, load: Load) -> None:
    """Workers, Redis and clients use the sum of all costs, and the engine at least a row's (utilisation)."""
    outcome = simulate(cluster, COSTS, load)
    ended = outcome.ended
    engine = outcome.used - (
        ended["repeat"] * COSTS.repeat
        + ended["hit"] * (COSTS.hit + COSTS.read)
        + ended["miss"] * (COSTS.miss + COSTS.write)
        + (ended["shared"] + ended["refused"]) * COSTS.miss
        + len(outcome.latencies) * COSTS.client
    )
    characters = ended["miss"] * CHARACTERS
    assert characters * COSTS.row <= engine + 1e-9
    assert engine <= characters * (COSTS.step + COSTS.row) + 1e-9


@few
@given(clusters, loads)
def test_the_requests_inside_are_the_rate_times_the_latency(cluster: Cluster, load: Load) -> None:
    """Little's law holds where no request is refused, over the whole time of a load."""
    outcome = simulate(replace(cluster, queue=1000), COSTS, load)
    assert outcome.presence == pytest.approx(sum(outcome.latencies))


def test_one_client_without_repeats_waits_for_each_part_in_turn() -> None:
    """The seconds of a miss are the sum of its costs, and the throughput is one over these seconds."""
    outcome = simulate(Cluster(), COSTS, Load(range(10), CHARACTERS, clients=1))
    step = COSTS.step + COSTS.row
    seconds = COSTS.miss + COSTS.round_trip + COSTS.write + COSTS.client + CHARACTERS * step
    assert outcome.ended == {"miss": 10}
    assert outcome.throughput == pytest.approx(1 / seconds)


@pytest.mark.parametrize(
    ("load", "end"),
    [
        (Load([0, 0, 0], CHARACTERS, clients=1), {"miss": 1, "repeat": 2}),
        (Load([0, 0, 0], CHARACTERS, clients=1, known=[0]), {"hit": 1, "repeat": 2}),
        (Load([0, 0, 0], CHARACTERS, clients=3), {"miss": 1, "shared": 2}),
    ],
    ids=["drawn once", "known to Redis", "at once"],
)
def test_a_text_is_drawn_once(load: Load, end: dict[str, int]) -> None:
    """A text comes from the worker's memory, from Redis, or with the request that draws it."""
    assert simulate(Cluster(workers=1), COSTS, load).ended == end


def test_replicas_share_what_one_has_drawn() -> None:
    """A text that one replica has drawn is a hit at the next, as soon as Redis has the text."""
    load = Load([0, 1, 1, 0], CHARACTERS, rate=1.0)
    assert simulate(Cluster(replicas=2), COSTS, load).ended == {"miss": 2, "hit": 2}


@pytest.mark.parametrize("rate", [0.0, 0.9, 1.0])
def test_more_replicas_on_own_cores_never_answer_less(rate: float) -> None:
    """Four clients for each replica get at least as many answers from each further replica."""
    texts = with_hit_rate(20_000, 100, rate, seed=1).tolist()

    def throughput(replicas: int) -> float:
        load = Load(texts, CHARACTERS, clients=4 * replicas, known=range(100))
        return simulate(Cluster(replicas), COSTS, load, 0.5).throughput

    rates = [throughput(replicas) for replicas in (1, 2, 3)]
    assert rates == sorted(rates)


def test_full_slots_and_a_full_queue_refuse() -> None:
    """Requests beyond slots and queue are refused, and all others are answered."""
    load = Load(range(10), 100 * CHARACTERS, clients=10)
    outcome = simulate(Cluster(slots=2, queue=3), COSTS, load)
    assert outcome.ended == {"miss": 5, "refused": 5}


@given(st.lists(st.floats(1, 1000), min_size=1, max_size=8), st.integers(1, 8))
def test_cores_are_shared_by_weight_and_never_idle(weights: list[float], cores: int) -> None:
    """No task has more than a core, all cores work while there are tasks, and the heavier is no slower."""
    shares = speeds(weights, cores)
    assert sum(shares) == pytest.approx(min(cores, len(weights)))
    assert max(shares) <= 1
    by_weight = [share for _, share in sorted(zip(weights, shares, strict=True))]
    assert all(one <= other + 1e-9 for one, other in pairwise(by_weight))


def test_two_pieces_of_work_share_a_core() -> None:
    """By hand: at weights 3 to 1, works of 3 s and 2 s on one core end after 4 s and 5 s."""
    clock, ends = Clock(), []
    cores = Cores(clock, 1)
    cores.work(3, weight=3)(lambda: ends.append(clock.now))
    cores.work(2, weight=1)(lambda: ends.append(clock.now))
    clock.run(10)
    assert ends == pytest.approx([4, 5])
    assert cores.used == pytest.approx(5)


def test_popular_texts_are_requested_by_their_rank() -> None:
    """By Zipf's law with exponent 1 the first text is requested twice as often as the second."""
    texts = zipf(60_000, 100, 1.0, seed=1).tolist()
    assert texts.count(0) / texts.count(1) == pytest.approx(2, rel=0.1)


def test_a_part_of_the_requests_is_for_known_texts() -> None:
    """At a hit rate of 0.9 a tenth of the requests is for texts that no other request is for."""
    texts = with_hit_rate(10_000, 100, 0.9, seed=1).tolist()
    new = [text for text in texts if text >= 100]
    assert len(new) / len(texts) == pytest.approx(0.1, rel=0.1)
    assert len(set(new)) == len(new)


def test_an_outcome_tells_hits_from_drawn_texts() -> None:
    """Hits of the worker's memory and of Redis count alike, out of all answers."""
    outcome = Outcome(seconds=2, latencies=[0.1, 0.2, 0.3, 0.4])
    outcome.ended.update(repeat=1, hit=1, miss=2, refused=5)
    assert outcome.hit_rate == 0.5
    assert outcome.throughput == 2
    assert outcome.percentile(50) == pytest.approx(0.25)
