"""Clients of Redis in which one time limit holds for all that an operation sends and receives."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from math import inf
from time import monotonic
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

FAILURES = (redis.RedisError, OSError)
"""The errors of a Redis that fails."""

SHOWN = 200  # characters of a message


class TimeLimit(threading.local):
    """The monotonic time at which the operation of this thread has to end."""

    until = inf

    @contextmanager
    def of(self, seconds: float) -> Iterator[None]:
        """Give the operation in the block `seconds`."""
        self.until = monotonic() + seconds
        try:
            yield
        finally:
            self.until = inf

    def left(self, most: float) -> float:
        """Return the seconds that are left, at most `most`; raise `TimeoutError` if there are none."""
        left = self.until - monotonic()
        if left <= 0:
            raise TimeoutError("the time of this operation is over")
        return min(left, most)


class LimitedSocket:
    """A socket whose calls end when the time limit of the thread's operation is over.

    The time limit of a plain socket begins anew with each call, so a server that sends a byte now and
    then could hold an operation for as long as it likes.
    """

    def __init__(self, plain: Any, limit: TimeLimit, most: float) -> None:
        """Take a socket, and the most seconds that one call may take."""
        self._plain, self._limit, self._most = plain, limit, most

    def recv(self, size: int) -> bytes:
        """Receive at most `size` bytes."""
        if self._plain.gettimeout() != 0:  # redis-py asks without waiting whether there are bytes
            self._plain.settimeout(self._limit.left(self._most))
        received: bytes = self._plain.recv(size)
        return received

    def sendall(self, data: bytes) -> None:
        """Send bytes."""
        self._plain.settimeout(self._limit.left(self._most))
        self._plain.sendall(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._plain, name)


class LimitedRedis:
    """A pool of connections to a Redis; nothing is connected before the first operation."""

    def __init__(self, url: str, timeout: float) -> None:
        """Take the URL, and the seconds that an operation may take in all."""
        self._timeout = timeout
        self._limit = TimeLimit()
        self.pool = redis.ConnectionPool.from_url(
            url,
            socket_timeout=timeout,
            socket_connect_timeout=timeout,
            retry=Retry(NoBackoff(), 0),
        )
        self.pool.connection_class = _limited(self.pool.connection_class, self._limit, timeout)
        self.client = redis.Redis(connection_pool=self.pool)

    @contextmanager
    def operation(self) -> Iterator[None]:
        """Limit the time of all commands in the block together; connecting counts."""
        with self._limit.of(self._timeout):
            yield

    def close(self) -> None:
        """Close every connection."""
        self.pool.disconnect()


def reason(error: BaseException) -> str:
    """Return an error in words that hold no argument of a command, and so no text of a client."""
    kind = type(error).__name__
    # The server and redis-py repeat the beginning of a refused command in their messages.
    if isinstance(error, redis.ResponseError):
        return kind
    return f"{kind}: {str(error)[:SHOWN]}"


def _limited(plain: type[Any], limit: TimeLimit, most: float) -> type[Any]:
    """Return a class of connections whose sockets keep to a time limit."""

    class Limited(plain):  # type: ignore[misc]
        def _connect(self) -> LimitedSocket:
            self.socket_connect_timeout = limit.left(most)
            return LimitedSocket(super()._connect(), limit, most)

    return Limited
