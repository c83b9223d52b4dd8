"""Clients of Redis in which one time limit holds for all that an operation sends and receives."""

import threading
from math import inf
from time import monotonic
from types import TracebackType
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.exceptions import AskError, ClusterError
from redis.retry import Retry

FAILURES = (redis.RedisError, OSError)
"""The errors of a Redis that fails."""

SHOWN = 200  # characters of a message
NO_CLUSTER = "charloom uses no Redis cluster: name a Redis without cluster mode"
# A call that begins within this part of an operation's time gets the whole time: setting another
# timeout costs a system call.
EARLY = 0.1


class TimeLimit(threading.local):
    """The limit of one operation of this thread: the operation is a `with` block."""

    def __init__(self, seconds: float) -> None:
        """Take the seconds that each operation may take."""
        self.seconds = seconds
        self._until = inf

    def __enter__(self) -> None:
        self._until = monotonic() + self.seconds

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._until = inf

    def left(self) -> float:
        """Return the seconds that the next call may take; raise `TimeoutError` if there are none."""
        left = self._until - monotonic()
        if left <= 0:
            raise TimeoutError("the time of this operation is over")
        return left if left < (1 - EARLY) * self.seconds else self.seconds


class LimitedSocket:
    """A socket whose calls end when the time limit of the thread's operation is over.

    The time limit of a plain socket begins anew with each call, so a server that sends a byte now and
    then could hold an operation for as long as it likes.
    """

    def __init__(self, plain: Any, limit: TimeLimit) -> None:
        """Take a connected socket."""
        self._plain, self._limit = plain, limit
        self._timeout: float | None = plain.gettimeout()

    def settimeout(self, seconds: float | None) -> None:
        """Set the timeout of a call; redis-py sets 0 to ask without waiting whether there are bytes."""
        if seconds != self._timeout:
            self._plain.settimeout(seconds)
            self._timeout = seconds

    def recv(self, size: int) -> bytes:
        """Receive at most `size` bytes."""
        if self._timeout != 0:
            self.settimeout(self._limit.left())
        received: bytes = self._plain.recv(size)
        return received

    def sendall(self, data: bytes) -> None:
        """Send bytes."""
        self.settimeout(self._limit.left())
        self._plain.sendall(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._plain, name)


class LimitedRedis:
    """A pool of connections to a Redis; nothing is connected before the first operation."""

    def __init__(self, url: str, timeout: float) -> None:
        """Take the URL, and the seconds that an operation may take in all, connecting included."""
        self.limit = TimeLimit(timeout)
        self.pool = redis.ConnectionPool.from_url(
            url,
            socket_timeout=timeout,
            socket_connect_timeout=timeout,
            retry=Retry(NoBackoff(), 0),
            protocol=2,  # version 3 begins with HELLO, which Redis before 6.0 does not know
        )
        self.pool.connection_class = _limited(self.pool.connection_class, self.limit)
        self.client = redis.Redis(connection_pool=self.pool)

    def close(self) -> None:
        """Close every connection."""
        self.pool.disconnect()


def reason(error: BaseException) -> str:
    """Return an error in words that hold no argument of a command, and so no text of a client."""
    kind = type(error).__name__
    if isinstance(error, (AskError, ClusterError)):  # AskError: also MovedError
        return f"{kind}: {NO_CLUSTER}"
    # The server and redis-py repeat the beginning of a refused command in their messages.
    if isinstance(error, redis.ResponseError):
        return kind
    return f"{kind}: {str(error)[:SHOWN]}"


def is_wrong_type(error: Exception) -> bool:
    """Return whether Redis refused a command because the value of its key has another type."""
    return isinstance(error, redis.ResponseError) and str(error).startswith("WRONGTYPE")


def is_unknown_command(error: Exception) -> bool:
    """Return whether Redis refused a command because its version does not have the command."""
    return isinstance(error, redis.ResponseError) and str(error).startswith("unknown command")


def _limited(plain: type[Any], limit: TimeLimit) -> type[Any]:
    """Return a class of connections whose sockets keep to a time limit."""

    class Limited(plain):  # type: ignore[misc]
        def _connect(self) -> LimitedSocket:
            self.socket_connect_timeout = limit.left()
            return LimitedSocket(super()._connect(), limit)

    return Limited
