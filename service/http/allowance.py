"""The allowance of each client: requests and characters in a minute."""

from dataclasses import dataclass
from math import ceil
from typing import Protocol

from service.hub.counters import Count, Counters
from service.settings import Settings


class Counts(Protocol):
    """Counts that several processes share."""

    @property
    def problem(self) -> str | None:
        """The sentence about a failure that lasts; None while nothing fails."""

    def charge(self, client: str, kind: str, amount: int, limit: int) -> Count | None:
        """Charge a client and return the state of its count; None when there is no answer."""

    def close(self) -> None:
        """Close every connection."""


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
    """Counts for all processes in shared counts, and alone where these are missing or fail.

    A process that counts alone allows the whole limit.
    """

    def __init__(self, settings: Settings, shared: Counts | None = None) -> None:
        self._limits = {
            "requests": settings.requests_per_minute,
            "characters": settings.characters_per_minute,
        }
        self._shared = shared
        self._own = Counters()

    @property
    def problem(self) -> str | None:
        """The sentence about a failure that lasts; None while nothing fails."""
        return None if self._shared is None else self._shared.problem

    def charge(self, client: str, kind: str, amount: int = 1) -> Spent | None:
        """Charge a client for an amount and return the state of the limit.

        The minute begins with the first charge of a client. A charge over the limit is not allowed
        and takes nothing. None stands for no limit of this kind.
        """
        limit = self._limits[kind]
        if not limit:
            return None
        count = self._count(client, kind, amount, limit)
        return Spent(kind, limit, count.left, max(1, ceil(count.seconds)), count.allowed)

    def _count(self, client: str, kind: str, amount: int, limit: int) -> Count:
        shared = self._shared and self._shared.charge(client, kind, amount, limit)
        return shared or self._own.charge(f"{kind}:{client}", amount, limit)

    def close(self) -> None:
        """Close every connection."""
        if self._shared is not None:
            self._shared.close()
