"""The counts of clients in Redis, which all services with the same Redis share."""

import logging
from collections.abc import Callable
from time import time
from typing import TypeVar

from limits import RateLimitItemPerMinute
from limits.storage import RedisStorage
from limits.strategies import FixedWindowRateLimiter

from service.breaker import Breaker
from service.hub.counters import Count
from service.redis_client import FAILURES, LimitedRedis, is_wrong_type, reason

log = logging.getLogger(__name__)

Result = TypeVar("Result")


class RedisCounts:
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
        """The sentence about a failure that lasts; None while nothing fails."""
        problem = self._breaker.problem
        return problem and f"Redis does not count ({problem}): each process counts its limits alone"

    def charge(self, client: str, kind: str, amount: int, limit: int) -> Count | None:
        """Charge a client; None while Redis fails."""
        if self._breaker.open:
            self._failed()
            return None
        item = RateLimitItemPerMinute(limit, namespace=f"charloom:{kind}")
        return self._ask(lambda: self._charge(item, client, amount))

    def _charge(self, item: RateLimitItemPerMinute, client: str, amount: int) -> Count:
        try:
            return self._counted(item, client, amount)
        except (*FAILURES, ValueError) as error:
            if not (isinstance(error, ValueError) or is_wrong_type(error)):
                raise
            self._limiter.clear(item, client)  # what is no count would be in the way for good
            return self._counted(item, client, amount)

    def _counted(self, item: RateLimitItemPerMinute, client: str, amount: int) -> Count:
        limiter = self._limiter
        allowed = limiter.test(item, client, cost=amount) and limiter.hit(item, client, cost=amount)
        window = limiter.get_window_stats(item, client)
        return Count(window.remaining, window.reset_time - time(), allowed)

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
