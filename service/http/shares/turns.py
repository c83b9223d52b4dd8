"""Turns: one request of a client is worked on at a time, so that no client waits for another's many."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import monotonic

from service.errors import DeadlineExceeded, QueueFull
from service.generation.waiting import POLL, check

MOST = 16  # requests of one client that wait or have their turn


@dataclass
class Line:
    """The requests of one client."""

    turn: threading.Lock = field(default_factory=threading.Lock)
    length: int = 0


class Turns:
    """The lines of the clients; safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lines: dict[str, Line] = {}

    @contextmanager
    def turn(
        self, client: str, deadline: float, connected: Callable[[], bool] = lambda: True
    ) -> Iterator[None]:
        """Wait for the turn of a client's request, at most until a monotonic time, and hold it.

        The connection is looked at again and again: a client that has left is found out by its answer
        to an interim response, which comes after the first look.

        Raises:
            QueueFull: too many requests of the client wait.
            DeadlineExceeded: the client's earlier requests took too long.
            ClientGone: the client closed its connection.
        """
        line = self._enter(client)
        try:
            while not line.turn.acquire(timeout=min(POLL, max(0.0, deadline - monotonic()))):
                if monotonic() >= deadline:
                    raise DeadlineExceeded("earlier requests took too long; send fewer at once")
                check(connected)
            try:
                yield
            finally:
                line.turn.release()
        finally:
            self._leave(client)

    def _enter(self, client: str) -> Line:
        with self._lock:
            line = self._lines.setdefault(client, Line())
            if line.length >= MOST:
                raise QueueFull(f"{MOST} such requests wait already; try again in a moment")
            line.length += 1
            return line

    def _leave(self, client: str) -> None:
        with self._lock:
            self._lines[client].length -= 1
            if not self._lines[client].length:
                del self._lines[client]
