"""The threads that answer requests, shared between the clients' addresses."""

from collections import Counter, deque
from collections.abc import Callable

from service.pool import Pool


class Threads:
    """Threads of which the requests of one address take half at most; for the event loop alone.

    Further requests of the address wait for these threads, while other addresses find free ones.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._most = max(1, pool.most // 2)
        self._running: Counter[str] = Counter()
        self._lines: dict[str, deque[Callable[[], None]]] = {}

    def submit(self, address: str, answer: Callable[[], None]) -> None:
        """Call a function in a thread; once the function has ended, `release` is due."""
        if self._running[address] < self._most:
            self._running[address] += 1
            self._pool.submit(answer)
        else:
            self._lines.setdefault(address, deque()).append(answer)

    def release(self, address: str) -> None:
        """Give the thread of an answer that has ended to the next one of the same address."""
        line = self._lines.get(address)
        if line is not None:
            self._pool.submit(line.popleft())
            if not line:
                del self._lines[address]
            return
        self._running[address] -= 1
        if not self._running[address]:
            del self._running[address]

    def close(self) -> None:
        """Begin no further answer."""
        self._lines.clear()
        self._pool.close()
