"""The allowance of a client, counted in memory."""

from service.http.allowance import MINUTE, Allowance
from service.settings import Settings


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
