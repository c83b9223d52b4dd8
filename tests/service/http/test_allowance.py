"""The allowance of a client, counted in memory or in Redis."""

from pathlib import Path

from service.http.allowance import MINUTE, Allowance
from service.settings import Settings
from tests.servers import RedisServer


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


def test_redis_counts_for_all_and_each_counts_alone_without(redis_server: RedisServer) -> None:
    """Two allowances share their counts in Redis; without Redis each allows the whole limit."""
    failures: list[str] = []
    settings = Settings(redis_url=redis_server.url, requests_per_minute=2)
    both = [Allowance(settings, lambda: failures.append("failed")) for _ in range(2)]

    def allowed(one: Allowance) -> bool:
        spent = one.charge("anna", "requests")
        assert spent is not None
        return spent.allowed

    assert [allowed(one) for one in both for _ in range(2)] == [True, True, False, False]
    assert (failures, [one.problem for one in both]) == ([], [None, None])
    redis_server.stop()
    assert [allowed(one) for one in both for _ in range(3)] == [True, True, False] * 2
    assert len(failures) == 6
    assert all("Redis does not count (ConnectionError" in (one.problem or "") for one in both)
    for one in both:
        one.close()


def test_a_unix_socket_counts_too(tmp_path: Path) -> None:
    """`unix://` reaches a Redis that counts."""
    server = RedisServer(tmp_path / "redis.sock")
    settings = Settings(redis_url=f"unix://{tmp_path}/redis.sock", requests_per_minute=2)
    allowance = Allowance(settings)
    try:
        spent = allowance.charge("anna", "requests")
        assert spent is not None
        assert (spent.left, allowance.problem) == (1, None)
    finally:
        allowance.close()
        server.stop()
