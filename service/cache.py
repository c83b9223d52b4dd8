"""Streams that were generated before: in Redis, or in memory where there is none."""

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable
from time import monotonic
from typing import Protocol

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from service.request import Stream
from service.stream_codec import CachedStream, decode, encode

log = logging.getLogger(__name__)

PREFIX = "charloom:"
# After a failure Redis is left alone for this long, so that a frozen one costs a few requests its
# timeout, not every request.
PAUSE = 1.0


class Bytes(Protocol):
    """Where bytes are kept by key."""

    def get(self, key: str) -> bytes | None:
        """Return what is kept under the key."""

    def set(self, key: str, value: bytes) -> None:
        """Keep the value under the key."""

    def close(self) -> None:
        """Let go of every connection."""


class StreamCache:
    """Generated streams by what determines their characters."""

    def __init__(self, kept: Bytes) -> None:
        self._kept = kept

    def get(self, stream: Stream) -> CachedStream | None:
        """Return the stream as far as it is known; a damaged value is a miss."""
        data = self._kept.get(PREFIX + stream.key)
        return None if data is None else decode(data)

    def put(self, stream: Stream, cached: CachedStream) -> None:
        """Keep the stream, in place of any shorter one."""
        self._kept.set(PREFIX + stream.key, encode(cached))

    def close(self) -> None:
        """Let go of every connection."""
        self._kept.close()


class MemoryBytes:
    """The least recently used values make room for new ones; safe to share among threads."""

    def __init__(self, capacity: int) -> None:
        """Keep at most `capacity` bytes of values."""
        self._capacity = capacity
        self._size = 0
        self._values: OrderedDict[str, bytes] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: str) -> bytes | None:
        """Return what is kept under the key."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
            return self._values.get(key)

    def set(self, key: str, value: bytes) -> None:
        """Keep the value under the key, unless it alone is too large."""
        if len(value) > self._capacity:
            return
        with self._lock:
            self._size += len(value) - len(self._values.pop(key, b""))
            self._values[key] = value
            while self._size > self._capacity:
                _, dropped = self._values.popitem(last=False)
                self._size -= len(dropped)

    def close(self) -> None:
        """Nothing is open."""


class RedisBytes:
    """Values in Redis with a time to live; a Redis that fails costs hits and nothing else."""

    def __init__(self, url: str, timeout: float, ttl: int) -> None:
        """Take the server's address, the seconds it may take, and the seconds a value lives."""
        self._client = redis.Redis.from_url(
            url,
            socket_timeout=timeout,
            socket_connect_timeout=timeout,
            retry=Retry(NoBackoff(), 0),
        )
        self._ttl = ttl
        self._paused_until = 0.0

    def get(self, key: str) -> bytes | None:
        """Return what is kept under the key, or None when Redis does not answer in time."""
        value = self._ask(lambda: self._client.getex(key, ex=self._ttl))
        return value if isinstance(value, bytes) else None

    def set(self, key: str, value: bytes) -> None:
        """Keep the value, or not, when Redis does not answer in time."""
        self._ask(lambda: self._client.set(key, value, ex=self._ttl))

    def close(self) -> None:
        """Let go of every connection."""
        self._client.close()

    def _ask(self, command: Callable[[], object]) -> object:
        if monotonic() < self._paused_until:
            return None
        try:
            return command()
        except (redis.RedisError, OSError) as error:
            self._paused_until = monotonic() + PAUSE
            log.warning("redis does not answer (%s); going on without it", error)
            return None
