"""Counts of a minute, with a clock of the test's own."""

from service.hub.counters import MINUTE, Count, Counters


class Clock:
    """A clock that stands still between two assignments of `now`."""

    now = 1_000.0

    def __call__(self) -> float:
        return self.now


def test_the_minute_begins_with_the_first_charge() -> None:
    """Charges add up for a minute from the first one on, after which the whole limit is left again."""
    clock = Clock()
    counters = Counters(clock)
    assert counters.charge("anna", 30, limit=100) == Count(70, MINUTE, allowed=True)
    clock.now += MINUTE - 1
    assert counters.charge("anna", 60, limit=100) == Count(10, 1, allowed=True)
    clock.now += 1
    assert counters.charge("anna", 1, limit=100) == Count(99, MINUTE, allowed=True)


def test_a_refused_charge_takes_nothing() -> None:
    """A charge over the rest is refused, begins no minute, and leaves the rest to a smaller charge."""
    clock = Clock()
    counters = Counters(clock)
    assert counters.charge("anna", 101, limit=100) == Count(100, MINUTE, allowed=False)
    clock.now += 5
    assert counters.charge("anna", 60, limit=100) == Count(40, MINUTE, allowed=True)
    assert counters.charge("anna", 41, limit=100) == Count(40, MINUTE, allowed=False)
    assert counters.charge("anna", 40, limit=100) == Count(0, MINUTE, allowed=True)


def test_clients_who_stay_away_take_no_memory() -> None:
    """A minute that has ended is dropped, and a later minute is kept."""
    clock = Clock()
    counters = Counters(clock)
    for number in range(100):
        counters.charge(str(number), 1, limit=1)
    clock.now += 1
    counters.charge("late", 1, limit=1)
    clock.now += MINUTE - 1
    assert not counters.charge("late", 1, limit=1).allowed
    assert list(counters._windows) == ["late"]
