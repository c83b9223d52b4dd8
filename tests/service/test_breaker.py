"""A server that failed is left alone for a pause."""

from service.breaker import PAUSE, Breaker


def test_opens_for_a_pause() -> None:
    """The circuit is open from a failure until the pause after the last failure is over."""
    times = [100.0]
    breaker = Breaker(clock=lambda: times[-1])
    seen = [breaker.open]
    for failing in (True, True, False, False):
        if failing:
            breaker.trip("why")
        seen.append(breaker.open)
        times.append(times[-1] + 0.6 * PAUSE)
    assert seen == [False, True, True, True, False]


def test_a_problem_lasts_until_the_next_answer() -> None:
    """The reason of the last failure is the problem until the server answers again."""
    breaker = Breaker()
    breaker.trip("first")
    breaker.trip("second")
    assert breaker.problem == "second"
    breaker.mend()
    assert breaker.problem is None
