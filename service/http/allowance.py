"""The allowance of each client: requests and characters in a minute."""

import logging
from dataclasses import dataclass
from math import ceil
from time import time

from limits import RateLimitItemPerMinute
from limits.errors import StorageError
from limits.storage import storage_from_string
from limits.strategies import FixedWindowRateLimiter

from service.breaker import Breaker
from service.settings import Settings

log = logging.getLogger(__name__)

MINUTE = 60


@dataclass(frozen=True)
class Spent:
    """The state of one limit of a client after a charge."""

    kind: str
    limit: int
    left: int
    seconds: int
    """Until the minute ends and the whole limit is left again."""
    allowed: bool


class Allowance:
    """Counts in Redis, shared by all workers, or in the memory of one worker without Redis."""

    def __init__(self, settings: Settings) -> None:
        options = {}
        if settings.redis_url is not None:
            timeout = settings.redis_timeout
            options = {"socket_timeout": timeout, "socket_connect_timeout": timeout}
        storage = storage_from_string(
            settings.redis_url or "memory://", wrap_exceptions=True, **options
        )
        self._limiter = FixedWindowRateLimiter(storage)
        limits = {
            "requests": settings.requests_per_minute,
            "characters": settings.characters_per_minute,
        }
        self._limits = {
            kind: RateLimitItemPerMinute(limit, namespace=f"charloom:{kind}")
            for kind, limit in limits.items()
            if limit
        }
        self._breaker = Breaker()

    def charge(self, client: str, kind: str, amount: int = 1) -> Spent | None:
        """Charge a client for an amount and return the state of the limit.

        The minute begins with the first charge of a client. A charge over the limit is not allowed
        and takes nothing. None stands for no limit of this kind, and for a Redis without an answer,
        which refuses nobody.
        """
        item = self._limits.get(kind)
        if item is None or self._breaker.open:
            return None
        try:
            allowed = self._limiter.test(item, client, cost=amount)
            allowed = allowed and self._limiter.hit(item, client, cost=amount)
            window = self._limiter.get_window_stats(item, client)
        except StorageError as error:
            self._breaker.trip()
            log.warning("redis does not count (%s); nothing is refused meanwhile", error)
            return None
        seconds = max(1, ceil(window.reset_time - time()))
        return Spent(kind, item.amount, window.remaining, seconds, allowed)
