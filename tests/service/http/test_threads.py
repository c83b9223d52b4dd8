"""One address has half of the threads that answer, and the clients' addresses are found behind proxies."""

import threading
from collections.abc import Iterator
from functools import partial
from types import SimpleNamespace

import pytest

from service.http.server.threads import Threads, address_of
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


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, ["192.0.2.1"], "10.0.0.1"),
        (1, [], "10.0.0.1"),
        (1, ["192.0.2.1"], "192.0.2.1"),
        (1, ["192.0.2.9, 192.0.2.1"], "192.0.2.1"),
        (2, ["192.0.2.9, 192.0.2.1", "192.0.2.2"], "192.0.2.1"),
        (2, ["192.0.2.1"], "10.0.0.1"),
    ],
)
def test_the_address_behind_proxies(proxies: int, forwarded: list[str], address: str) -> None:
    """The last trusted proxy names the client; a client's own header is not believed."""
    request = SimpleNamespace(headers=[("X-FORWARDED-FOR", each) for each in forwarded])
    assert address_of(request, "10.0.0.1", proxies) == address
