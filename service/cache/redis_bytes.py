"""Values of the cache in Redis."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import TypeVar

import redis

from service.breaker import Breaker
from service.redis_client import FAILURES, LimitedRedis, is_unknown_command, is_wrong_type, reason

log = logging.getLogger(__name__)

Result = TypeVar("Result")


class RedisBytes:
    """Values in Redis with a time to live; while Redis fails, every key is a miss.

    Reading and writing fail apart: a Redis that is full or may not be written is still read.
    """

    def __init__(self, url: str, timeout: float, ttl: int, failed: Callable[[str], None]) -> None:
        """Connect to a URL at the first operation.

        An operation may take `timeout` seconds, a value lives `ttl` seconds after the last read, and
        `failed` is called with "redis" for each failure.
        """
        self._redis = LimitedRedis(url, timeout)
        self._client = self._redis.client
        self._ttl = ttl
        self._failed = failed
        self._connection, self._reading, self._writing = Breaker(), Breaker(), Breaker()

    @property
    def problem(self) -> str | None:
        """The sentence about a failure that lasts; None while nothing fails."""
        if self._connection.problem is not None:
            return f"Redis does not answer ({self._connection.problem}): nothing is cached"
        if self._reading.problem is not None:
            return (
                f"Redis refuses look-ups ({self._reading.problem}): nothing is found in the cache"
            )
        if self._writing.problem is not None:
            return f"Redis takes no values ({self._writing.problem}): nothing new is cached"
        return None

    def get(self, key: str) -> bytes | None:
        """Return the value of a key; None also when Redis does not answer in time."""
        return self._ask(self._reading, lambda: self._read(key))

    def find(self, keys: Sequence[str]) -> tuple[str, bytes] | None:
        """Return the first key that has a value, with the value."""
        return self._ask(self._reading, lambda: self._find(keys))

    def set(self, values: Mapping[str, bytes]) -> None:
        """Keep each value under its key, unless Redis fails."""
        commands = [(key, value, self._ttl) for key, value in values.items()]
        self._ask(self._writing, lambda: self._pipeline("set", commands))

    def close(self) -> None:
        """Close every connection."""
        self._redis.close()

    def _find(self, keys: Sequence[str]) -> tuple[str, bytes] | None:
        exist = self._pipeline("exists", [(key,) for key in keys])
        if not any(exist):
            return None
        key = keys[[bool(answer) for answer in exist].index(True)]
        value = self._read(key)
        return None if value is None else (key, value)

    def _read(self, key: str) -> bytes | None:
        try:
            value = self._prolonged(key)
        except redis.ResponseError as error:
            if not is_wrong_type(error):
                raise
            self._failed("value")
            self._client.delete(key)  # something else under our key would be in the way for good
            return None
        return value if isinstance(value, bytes) else None

    def _prolonged(self, key: str) -> object:
        """Return the value of a key, which from now on lives its whole time."""
        try:
            return self._client.getex(key, ex=self._ttl)
        except redis.ReadOnlyError:  # a replica may not prolong
            return self._client.get(key)
        except redis.ResponseError as error:
            if not is_unknown_command(error):  # as GETEX is before Redis 6.2
                raise
        value = self._client.get(key)
        with suppress(redis.ReadOnlyError):
            self._client.expire(key, self._ttl)
        return value

    def _pipeline(self, command: str, arguments: Iterable[tuple[object, ...]]) -> list[object]:
        """Send one command for each of the arguments in one round trip, and return the answers."""
        with self._client.pipeline(transaction=False) as pipeline:
            for each in arguments:
                getattr(pipeline, command)(*each)
            answers: list[object] = pipeline.execute()
            return answers

    def _ask(self, breaker: Breaker, operation: Callable[[], Result]) -> Result | None:
        """Return the result of an operation; None while Redis fails."""
        if self._connection.open or breaker.open:
            return None
        try:
            with self._redis.limit:
                result = operation()
        except redis.ResponseError as error:  # the server answers, and refuses this kind of command
            self._connection.mend()
            self._trip(breaker, error)
            return None
        except FAILURES as error:
            self._trip(self._connection, error)
            return None
        self._connection.mend()
        breaker.mend()
        return result

    def _trip(self, breaker: Breaker, error: Exception) -> None:
        breaker.trip(reason(error))
        self._failed("redis")
        log.warning("redis fails (%s); going on without it", reason(error))
