"""The allowance of each client: requests and characters in a minute."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from time import time
from typing import TYPE_CHECKING

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from service.settings import Settings

if TYPE_CHECKING:
    from service.http.shared_counts import SharedCounts

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


def _ignore() -> None:
    """Do nothing: an allowance without metrics counts no failures."""


class Allowance:
    """Counts in Redis, shared by all workers, or in the memory of one worker without Redis.

    While Redis fails, the memory of the worker counts: each worker then allows the whole limit.
    """

    def __init__(self, settings: Settings, failed: Callable[[], None] = _ignore) -> None:
        """Take the settings; `failed` is called for each charge that Redis should have counted."""
        limits = {
            "requests": settings.requests_per_minute,
            "characters": settings.characters_per_minute,
        }
        self._limits = {
            kind: RateLimitItemPerMinute(limit, namespace=f"charloom:{kind}")
            for kind, limit in limits.items()
            if limit
        }
        self._own = FixedWindowRateLimiter(MemoryStorage())
        self._shared: SharedCounts | None = None
        if settings.redis_url is not None and self._limits:
            # The library takes 9 MB of memory, which a service without Redis saves.
            from service.http.shared_counts import SharedCounts  # noqa: PLC0415

            self._shared = SharedCounts(settings.redis_url, settings.redis_timeout, failed)

    @property
    def problem(self) -> str | None:
        """What does not work at present, or None."""
        return None if self._shared is None else self._shared.problem

    def charge(self, client: str, kind: str, amount: int = 1) -> Spent | None:
        """Charge a client for an amount and return the state of the limit.

        The minute begins with the first charge of a client. A charge over the limit is not allowed
        and takes nothing. None stands for no limit of this kind.
        """
        item = self._limits.get(kind)
        if item is None:
            return None
        spent = None
        if self._shared is not None:
            spent = self._shared.spend(item, client, kind, amount)
        return spent or spend(self._own, item, client, kind, amount)

    def close(self) -> None:
        """Close every connection."""
        if self._shared is not None:
            self._shared.close()


def spend(
    limiter: FixedWindowRateLimiter, item: RateLimitItem, client: str, kind: str, amount: int
) -> Spent:
    """Charge a client at a limiter, if the whole amount is left, and return the state of the limit."""
    allowed = limiter.test(item, client, cost=amount) and limiter.hit(item, client, cost=amount)
    window = limiter.get_window_stats(item, client)
    seconds = max(1, ceil(window.reset_time - time()))
    return Spent(kind, item.amount, window.remaining, seconds, allowed)
