"""One address has half of the threads that answer."""

import threading
from collections.abc import Iterator
from functools import partial

import pytest

from service.http.server.threads import Threads
from service.pool import Pool


@pytest.fixture
def pool() -> Iterator[Pool]:
    """Four threads."""
    with Pool(4, "answer") as pool:
        yield pool


def test_an_address_has_half_of_the_threads(pool: Pool) -> None:
    """The third answer of an address waits until one has ended, and another address does not wait."""
    threads, begun, go_on = Threads(pool), threading.Semaphore(0), threading.Event()
    names: list[str] = []

    def answer(name: str) -> None:
        names.append(name)
        begun.release()
        go_on.wait(60)

    try:
        for name in ("a", "b", "c", "d"):
            threads.submit("10.0.0.1", partial(answer, name))
        threads.submit("10.0.0.2", partial(answer, "other"))
        assert all(begun.acquire(timeout=60) for _ in range(3))
        assert sorted(names) == ["a", "b", "other"]
        threads.release("10.0.0.2")
        threads.release("10.0.0.1")
        assert begun.acquire(timeout=60)
        assert names[-1] == "c"
    finally:
        go_on.set()
