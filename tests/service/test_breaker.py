"""A server that failed is left alone for a pause."""

from service.breaker import PAUSE, Breaker


def test_opens_for_a_pause() -> None:
    """The circuit is open from a failure until the pause after the last failure is over."""
    times = [100.0]
    breaker = Breaker(clock=lambda: times[-1])
    seen = [breaker.open]
    for failing in (True, True, False, False):
        if failing:
            breaker.trip()
        seen.append(breaker.open)
        times.append(times[-1] + 0.6 * PAUSE)
    assert seen == [False, True, True, True, False]
