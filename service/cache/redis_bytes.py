"""The cache's values in Redis."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from time import monotonic

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

log = logging.getLogger(__name__)

# After a failure Redis is left alone for this long, so that a frozen one costs a few requests its
# timeout, not every request.
PAUSE = 1.0


class RedisBytes:
    """Values in Redis with a time to live; a Redis that fails costs hits and nothing else."""

    def __init__(self, url: str, timeout: float, ttl: int, failed: Callable[[str], None]) -> None:
        """Take the server's address, the seconds it may take, and the seconds a value lives."""
        self._client = redis.Redis.from_url(
            url,
            socket_timeout=timeout,
            socket_connect_timeout=timeout,
            retry=Retry(NoBackoff(), 0),
        )
        self._ttl = ttl
        self._failed = failed
        self._paused_until = 0.0

    def get(self, key: str) -> bytes | None:
        """Return what is kept under the key, or None when Redis does not answer in time."""
        value = self._ask(lambda: self._client.getex(key, ex=self._ttl))
        return value if isinstance(value, bytes) else None

    def first(self, keys: Sequence[str]) -> tuple[str, bytes] | None:
        """Return the first of the keys under which something is kept, and what."""
        there = self._ask(lambda: self._pipeline("exists", [(key,) for key in keys]))
        if not isinstance(there, list) or not any(there):
            return None
        key = keys[[bool(answer) for answer in there].index(True)]
        value = self.get(key)
        return None if value is None else (key, value)

    def set(self, values: Mapping[str, bytes]) -> None:
        """Keep the values, or not, when Redis does not answer in time."""
        commands = [(key, value, self._ttl) for key, value in values.items()]
        self._ask(lambda: self._pipeline("set", commands))

    def close(self) -> None:
        """Let go of every connection."""
        self._client.close()

    def _pipeline(self, command: str, arguments: Iterable[tuple[object, ...]]) -> list[object]:
        """Send one command for each of the arguments, all in one go."""
        with self._client.pipeline(transaction=False) as pipeline:
            for each in arguments:
                getattr(pipeline, command)(*each)
            answers: list[object] = pipeline.execute()
            return answers

    def _ask(self, command: Callable[[], object]) -> object:
        if monotonic() < self._paused_until:
            return None
        try:
            return command()
        except (redis.RedisError, OSError) as error:
            self._paused_until = monotonic() + PAUSE
            self._failed("redis")
            log.warning("redis does not answer (%s); going on without it", error)
            return None
