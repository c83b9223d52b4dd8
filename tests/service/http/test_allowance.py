"""The allowance of a client, counted alone, in the hub or in Redis."""

from pathlib import Path

import pytest
import redis

from service.http.allowance import Allowance, Counts
from service.http.hub_counts import HubCounts
from service.http.redis_counts import RedisCounts
from service.hub.counters import MINUTE
from service.hub.rendezvous import Rendezvous
from service.hub.worker.client import HubClient
from service.settings import Settings
from service.telemetry import Telemetry
from tests.hubs import running_hub
from tests.other_servers import RedisServer

TWO = Settings(requests_per_minute=2)


class Failures(list[str]):
    """Takes note of each charge that was not counted for all."""

    def __call__(self) -> None:
        self.append("failed")


def allowed(counts: Counts) -> list[bool]:
    """Whether each of three requests is allowed to a worker, of which the limit allows two."""
    allowance = Allowance(TWO, counts)
    charges = [allowance.charge("anna", "requests") for _ in range(3)]
    return [charge is not None and charge.allowed for charge in charges]


def test_a_charge_is_subtracted() -> None:
    """A charge within the limit is allowed and leaves the rest for at most a minute."""
    spent = Allowance(Settings(characters_per_minute=100)).charge("anna", "characters", 30)
    assert spent is not None
    assert (spent.allowed, spent.limit, spent.left) == (True, 100, 70)
    assert 1 <= spent.seconds <= MINUTE


def test_a_refused_charge_takes_nothing() -> None:
    """A charge over the rest is not allowed, and a smaller one still is."""
    allowance = Allowance(Settings(characters_per_minute=100))
    charges = [allowance.charge("anna", "characters", amount) for amount in (60, 60, 40)]
    assert [charge and charge.allowed for charge in charges] == [True, False, True]
    assert [charge and charge.left for charge in charges] == [40, 40, 0]


def test_clients_and_kinds_are_counted_apart() -> None:
    """A charge of one client or kind leaves the allowance of others as it is."""
    allowance = Allowance(Settings(requests_per_minute=1, characters_per_minute=1))
    charges = [
        allowance.charge(client, kind)
        for client in ("anna", "bert")
        for kind in ("requests", "characters")
    ]
    assert all(charge and charge.allowed for charge in charges)


def test_no_limit_counts_nothing() -> None:
    """Without a limit of a kind there is nothing to count."""
    assert Allowance(Settings()).charge("anna", "requests") is None


def test_the_hub_counts_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two workers share their counts in the hub."""
    failures = Failures()
    with running_hub(monkeypatch) as hub:
        counts = [HubCounts(hub.client(), failures) for _ in range(2)]
        assert [allowed(each) for each in counts] == [[True, True, False], [False] * 3]
        assert (failures, [each.problem for each in counts]) == ([], [None, None])


def test_a_worker_counts_alone_while_the_hub_is_away() -> None:
    """Without an answer of the hub a worker allows the whole limit, and says so."""
    rendezvous = Rendezvous()  # nobody takes connections here
    client = HubClient(rendezvous, Telemetry())
    failures = Failures()
    counts = HubCounts(client, failures)
    try:
        assert allowed(counts) == [True, True, False]
        assert len(failures) == 3
        assert "the hub does not count" in (counts.problem or "")
    finally:
        client.close()
        rendezvous.close()


def test_redis_counts_for_all_and_each_counts_alone_without(redis_server: RedisServer) -> None:
    """Two workers share their counts in Redis; without Redis each allows the whole limit."""
    failures = Failures()
    counts = [RedisCounts(redis_server.url, TWO.redis_timeout, failures) for _ in range(2)]
    assert [allowed(each) for each in counts] == [[True, True, False], [False] * 3]
    assert (failures, [each.problem for each in counts]) == ([], [None, None])
    redis_server.stop()
    assert [allowed(each) for each in counts] == [[True, True, False]] * 2
    assert len(failures) == 6
    assert all("Redis does not count (ConnectionError" in (each.problem or "") for each in counts)
    for each in counts:
        each.close()


@pytest.mark.parametrize("spoil", ["RPUSH", "SET"], ids=["a list", "a text"])
def test_what_is_no_count_is_replaced(redis_server: RedisServer, spoil: str) -> None:
    """A value under a client's key that is no count is deleted, and Redis counts from zero."""
    failures = Failures()
    counts = RedisCounts(redis_server.url, TWO.redis_timeout, failures)
    assert allowed(counts) == [True, True, False]
    with redis.Redis.from_url(redis_server.url) as client:
        (key,) = client.keys("*anna*")
        client.delete(key)
        client.execute_command(spoil, key, "something else")
    assert allowed(counts) == [True, True, False]
    assert (failures, counts.problem) == ([], None)
    counts.close()


def test_a_unix_socket_counts_too(tmp_path: Path) -> None:
    """`unix://` reaches a Redis that counts."""
    server = RedisServer(tmp_path / "redis.sock")
    counts = RedisCounts(f"unix://{tmp_path}/redis.sock", TWO.redis_timeout, Failures())
    try:
        assert allowed(counts) == [True, True, False]
        assert counts.problem is None
    finally:
        counts.close()
        server.stop()
