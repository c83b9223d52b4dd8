"""The simulation of replicas behind a round-robin balancer, with one cache in Redis."""

from collections import OrderedDict
from collections.abc import Generator, Iterator
from itertools import count
from math import inf

import numpy as np

from benchmarks.replicas.clock import Clock, Process, Resume, Wait, follow
from benchmarks.replicas.cluster import Cluster, Costs, Load, Outcome
from benchmarks.replicas.cores import Cores, Server
from benchmarks.replicas.engine import WEIGHT, Engine

WORKER_WEIGHT = 215  # of a process at nice 7, in Linux
ARRIVALS = 2017  # the random seed of the times of arrival


def simulate(cluster: Cluster, costs: Costs, load: Load, seconds: float = inf) -> Outcome:
    """Return what happens within some seconds, or until every text of the load is answered."""
    return _Simulation(cluster, costs, load).run(seconds)


class _Worker:
    """A process that answers HTTP, and keeps the answers of its last requests."""

    def __init__(self, cores: Cores, capacity: int) -> None:
        self.work = Server(cores, WORKER_WEIGHT).work
        self._capacity = capacity
        self._ready: OrderedDict[int, None] = OrderedDict()

    def has(self, text: int) -> bool:
        """Return whether an answer is ready, and make it the most recently used."""
        if text in self._ready:
            self._ready.move_to_end(text)
        return text in self._ready

    def keep(self, text: int) -> None:
        """Keep an answer in place of the least recently used."""
        self._ready[text] = None
        if len(self._ready) > self._capacity:
            self._ready.popitem(last=False)


class _Replica:
    """Workers, an engine, and the texts that are requested here."""

    def __init__(self, cluster: Cluster, costs: Costs, cores: Cores, texts: Iterator[int]) -> None:
        self.texts = texts
        self.workers = [_Worker(cores, cluster.ready) for _ in range(cluster.workers)]
        self.engine = Engine(cores, cluster.threads, cluster.slots, costs.step, costs.row)
        self.flights: dict[
            int, list[Resume]
        ] = {}  # by text, the requests that wait for its drawing


class _Simulation:
    def __init__(self, cluster: Cluster, costs: Costs, load: Load) -> None:
        self._cluster, self._costs, self._load = cluster, costs, load
        self._clock = Clock()
        self._known = set(load.known)
        self._outcome = Outcome()
        self._since = 0.0  # the time of the last arrival or end
        replicas = range(cluster.replicas)
        one = Cores(self._clock, cluster.cores)
        own = [one if cluster.one_machine else Cores(self._clock, cluster.cores) for _ in replicas]
        elsewhere = one if cluster.one_machine else Cores(self._clock, cluster.replicas + 1)
        self._cores = {elsewhere, *own}
        self._redis = Server(elsewhere, WEIGHT)
        self._clients = [Server(elsewhere, WEIGHT) for _ in replicas]
        self._replicas = [
            _Replica(cluster, costs, own[number], iter(load.texts[number :: cluster.replicas]))
            for number in replicas
        ]

    def run(self, seconds: float) -> Outcome:
        """Let the requests arrive, and return what happened."""
        for client in range(self._load.clients):
            follow(self._client(client))
        if self._load.rate:
            follow(self._arrivals())
        self._clock.run(seconds)
        self._outcome.seconds = self._clock.now
        self._elapse()
        self._outcome.used = sum(cores.used for cores in self._cores)
        return self._outcome

    def _client(self, number: int) -> Process:
        """Send one request after another to the same worker."""
        for text in self._replicas[number % self._cluster.replicas].texts:
            yield from self._request(number, text)

    def _arrivals(self) -> Process:
        gaps = np.random.default_rng(ARRIVALS)
        for number in count():
            yield self._clock.after(gaps.exponential(1 / self._load.rate))
            text = next(self._replicas[number % self._cluster.replicas].texts, None)
            if text is None:
                return
            follow(self._request(number, text))

    def _request(self, number: int, text: int) -> Process:
        turn, place = divmod(number, self._cluster.replicas)
        replica = self._replicas[place]
        worker = replica.workers[turn % self._cluster.workers]
        began = self._clock.now
        self._elapse()
        self._outcome.arrived += 1
        end = yield from self._answer(replica, worker, text)
        if end != "refused":
            yield self._clients[place].work(self._costs.client)
            self._outcome.latencies.append(self._clock.now - began)
        self._elapse()
        self._outcome.ended[end] += 1

    def _elapse(self) -> None:
        """Count the requests that have been there since the last arrival or end."""
        self._outcome.presence += self._outcome.inside * (self._clock.now - self._since)
        self._since = self._clock.now

    def _answer(self, replica: _Replica, worker: _Worker, text: int) -> Generator[Wait, None, str]:
        """Answer from the worker's memory, from Redis or by drawing; return which."""
        if worker.has(text):
            yield worker.work(self._costs.repeat)
            return "repeat"
        if text in self._known:
            yield worker.work(self._costs.hit)
            yield from self._ask_redis(self._costs.read)
            end = "hit"
        else:
            yield worker.work(self._costs.miss)
            end = yield from self._draw(replica, text)
        if end != "refused":
            worker.keep(text)
        return end

    def _draw(self, replica: _Replica, text: int) -> Generator[Wait, None, str]:
        """Draw a text, or wait for a request that draws it at the same replica."""
        if text in replica.flights:
            yield replica.flights[text].append
            return "shared"
        if replica.engine.sequences >= self._cluster.slots + self._cluster.queue:
            return "refused"
        replica.flights[text] = []
        yield replica.engine.draw(self._load.characters)
        for resume in replica.flights.pop(text):
            resume()
        yield from self._ask_redis(self._costs.write)
        self._known.add(text)
        return "miss"

    def _ask_redis(self, seconds: float) -> Process:
        yield self._clock.after(self._costs.round_trip)
        yield self._redis.work(seconds)
