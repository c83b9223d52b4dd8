"""Values of the cache in Redis."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from service.breaker import Breaker

log = logging.getLogger(__name__)


class RedisBytes:
    """Values in Redis with a time to live; while Redis fails, every key is a miss."""

    def __init__(self, url: str, timeout: float, ttl: int, failed: Callable[[str], None]) -> None:
        """Connect to a URL at the first command.

        A command may take `timeout` seconds, a value lives `ttl` seconds after the last read, and
        `failed` is called with "redis" for each failure.
        """
        self._client = redis.Redis.from_url(
            url,
            socket_timeout=timeout,
            socket_connect_timeout=timeout,
            retry=Retry(NoBackoff(), 0),
        )
        self._ttl = ttl
        self._failed = failed
        self._breaker = Breaker()

    def get(self, key: str) -> bytes | None:
        """Return the value of a key; None also when Redis does not answer in time."""
        value = self._ask(lambda: self._client.getex(key, ex=self._ttl))
        return value if isinstance(value, bytes) else None

    def find(self, keys: Sequence[str]) -> tuple[str, bytes] | None:
        """Return the first key that has a value, with the value."""
        exist = self._ask(lambda: self._pipeline("exists", [(key,) for key in keys]))
        if not isinstance(exist, list) or not any(exist):
            return None
        key = keys[[bool(answer) for answer in exist].index(True)]
        value = self.get(key)
        return None if value is None else (key, value)

    def set(self, values: Mapping[str, bytes]) -> None:
        """Keep each value under its key, unless Redis fails."""
        commands = [(key, value, self._ttl) for key, value in values.items()]
        self._ask(lambda: self._pipeline("set", commands))

    def close(self) -> None:
        """Close every connection."""
        self._client.close()

    def _pipeline(self, command: str, arguments: Iterable[tuple[object, ...]]) -> list[object]:
        """Send one command for each of the arguments in one round trip, and return the answers."""
        with self._client.pipeline(transaction=False) as pipeline:
            for each in arguments:
                getattr(pipeline, command)(*each)
            answers: list[object] = pipeline.execute()
            return answers

    def _ask(self, command: Callable[[], object]) -> object:
        """Return the answer to a command; None while Redis fails."""
        if self._breaker.open:
            return None
        try:
            return command()
        except (redis.RedisError, OSError) as error:
            self._breaker.trip()
            self._failed("redis")
            log.warning("redis does not answer (%s); going on without it", error)
            return None
