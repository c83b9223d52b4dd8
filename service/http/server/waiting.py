"""The connections for whose bytes a worker waits."""

from collections.abc import Iterator
from time import monotonic

from service.http.server.connection import Connection


class Waiting:
    """Connections with their deadlines; those that have waited longest come first."""

    def __init__(self) -> None:
        self._deadlines: dict[Connection, float] = {}

    def __contains__(self, connection: object) -> bool:
        return connection in self._deadlines

    def __iter__(self) -> Iterator[Connection]:
        return iter(list(self._deadlines))

    def add(self, connection: Connection, seconds: float) -> None:
        """Wait for a connection, from now on, at most for some seconds."""
        self.discard(connection)
        self._deadlines[connection] = monotonic() + seconds

    def discard(self, connection: Connection) -> None:
        """Wait no longer for a connection."""
        self._deadlines.pop(connection, None)

    def oldest(self, address: str | None = None) -> Connection | None:
        """Return the connection that has waited longest, of one address or of all."""
        found = (each for each in self._deadlines if address in (None, each.address))
        return next(found, None)

    def expired(self) -> list[Connection]:
        """Return the connections whose deadline has passed."""
        now = monotonic()
        return [each for each, deadline in self._deadlines.items() if deadline <= now]

    def shorten(self, seconds: float) -> None:
        """Wait for no connection longer than for some seconds from now on."""
        latest = monotonic() + seconds
        for connection, deadline in self._deadlines.items():
            self._deadlines[connection] = min(deadline, latest)
