"""The counts of clients in the hub, which all workers share."""

import logging
from collections.abc import Callable

from service.breaker import Breaker
from service.hub.counters import Count
from service.hub.worker.client import HubClient

log = logging.getLogger(__name__)


class HubCounts:
    """Counts in the hub; a hub that dies takes the counts with it."""

    def __init__(self, hub: HubClient, failed: Callable[[], None]) -> None:
        """Take the hub, and a function that is called for each charge that the hub does not count."""
        self._hub = hub
        self._failed = failed
        self._breaker = Breaker()

    @property
    def problem(self) -> str | None:
        """The sentence about a failure that lasts; None while nothing fails."""
        return self._breaker.problem

    def charge(self, client: str, kind: str, amount: int, limit: int) -> Count | None:
        """Charge a client; None while the hub does not answer."""
        if self._breaker.open:
            self._failed()
            return None
        count = self._hub.charge(f"{kind}:{client}", amount, limit)
        if count is None:
            self._breaker.trip("the hub does not count: each process counts its limits alone")
            self._failed()
            log.warning("the hub does not count; this process does")
        else:
            self._breaker.mend()
        return count

    def close(self) -> None:
        """Do nothing: the application closes the connection to the hub."""
