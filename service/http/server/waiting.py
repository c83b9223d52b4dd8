"""The connections for whose bytes a worker waits."""

from collections import Counter
from collections.abc import Iterator
from time import monotonic

from service.http.server.connection import Connection


class Waiting:
    """Connections with their deadlines; those that have waited longest come first.

    `most` bounds the connections of one address.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._deadlines: dict[Connection, float] = {}
        self._of_address: Counter[str] = Counter()

    def __contains__(self, connection: object) -> bool:
        return connection in self._deadlines

    def __iter__(self) -> Iterator[Connection]:
        return iter(list(self._deadlines))

    def add(self, connection: Connection, seconds: float) -> None:
        """Wait for a connection, from now on, at most for some seconds."""
        self.discard(connection)
        self._deadlines[connection] = monotonic() + seconds
        self._of_address[connection.address] += 1

    def discard(self, connection: Connection) -> None:
        """Wait no longer for a connection."""
        if self._deadlines.pop(connection, None) is not None:
            self._of_address[connection.address] -= 1
            if not self._of_address[connection.address]:
                del self._of_address[connection.address]

    def surplus(self, address: str) -> Connection | None:
        """Return the oldest connection of an address that has too many, else None."""
        if self._of_address[address] <= self._most:
            return None
        return next(each for each in self._deadlines if each.address == address)

    def expired(self) -> list[Connection]:
        """Return the connections whose deadline has passed."""
        now = monotonic()
        return [each for each, deadline in self._deadlines.items() if deadline <= now]

    def shorten(self, seconds: float) -> None:
        """Wait for no connection longer than for some seconds from now on."""
        latest = monotonic() + seconds
        for connection, deadline in self._deadlines.items():
            self._deadlines[connection] = min(deadline, latest)
