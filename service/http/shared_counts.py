"""The counts of clients in Redis, which all workers share."""

import logging
from collections.abc import Callable
from typing import TypeVar

from limits import RateLimitItem
from limits.storage import RedisStorage
from limits.strategies import FixedWindowRateLimiter

from service.breaker import Breaker
from service.http.allowance import Spent, spend
from service.redis_client import FAILURES, LimitedRedis, reason

log = logging.getLogger(__name__)

Result = TypeVar("Result")


class SharedCounts:
    """Counts in Redis."""

    def __init__(self, url: str, timeout: float, failed: Callable[[], None]) -> None:
        """Connect to a URL at once; a charge may take `timeout` seconds.

        `failed` is called for each charge that Redis does not count.
        """
        self._redis = LimitedRedis(url, timeout)
        storage = RedisStorage("redis://", connection_pool=self._redis.pool)
        self._limiter = FixedWindowRateLimiter(storage)
        self._failed = failed
        self._breaker = Breaker()
        self._ask(self._redis.client.ping)  # a wrong password is said at the start

    @property
    def problem(self) -> str | None:
        """What does not work at present, or None."""
        problem = self._breaker.problem
        return problem and f"Redis does not count ({problem}): each process counts its limits alone"

    def spend(self, item: RateLimitItem, client: str, kind: str, amount: int) -> Spent | None:
        """Charge a client; None while Redis fails."""
        if self._breaker.open:
            self._failed()
            return None
        return self._ask(lambda: spend(self._limiter, item, client, kind, amount))

    def _ask(self, operation: Callable[[], Result]) -> Result | None:
        """Return the result of an operation; None if Redis fails."""
        try:
            with self._redis.limit:
                result = operation()
        except FAILURES as error:
            self._breaker.trip(reason(error))
            self._failed()
            log.warning("redis does not count (%s); this process does", reason(error))
            return None
        self._breaker.mend()
        return result

    def close(self) -> None:
        """Close every connection."""
        self._redis.close()
