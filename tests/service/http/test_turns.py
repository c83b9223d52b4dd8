"""One request of a client has its turn at a time, beside the requests of other clients."""

import threading
from concurrent.futures import ThreadPoolExecutor
from time import monotonic

import pytest

from service.errors import ClientGone, DeadlineExceeded, QueueFull
from service.http.shares.turns import MOST, Turns


def test_the_requests_of_a_client_take_turns() -> None:
    """A client's second request waits for the first, and another client's does not."""
    turns, later = Turns(), monotonic() + 60
    with turns.turn("flooding", later):
        with pytest.raises(DeadlineExceeded), turns.turn("flooding", monotonic()):
            pass
        with turns.turn("other", later):
            pass
    with turns.turn("flooding", monotonic()):
        pass


def test_a_line_is_bounded() -> None:
    """A client's request behind too many others is refused at once, and another client's is not."""
    turns, later = Turns(), monotonic() + 60
    done = threading.Semaphore(0)

    def wait() -> None:
        try:
            with turns.turn("flooding", later):
                pass
        except QueueFull:
            done.release()

    with ThreadPoolExecutor(MOST) as pool, turns.turn("flooding", later):
        for _ in range(MOST):  # one more than there is room for
            pool.submit(wait)
        assert done.acquire(timeout=60)
        with turns.turn("other", later):
            pass
    with turns.turn("flooding", monotonic()):
        pass


def test_who_has_left_leaves_the_line() -> None:
    """A client that is found gone at a later look waits no longer, although its turn has not come."""
    turns, later, connected = Turns(), monotonic() + 60, iter([True, False])
    with turns.turn("anna", later):
        with pytest.raises(ClientGone), turns.turn("anna", later, lambda: next(connected)):
            pass
        assert next(connected, None) is None
