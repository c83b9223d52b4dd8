"""The open connections of a worker."""

from collections import Counter
from collections.abc import Iterator

from service.http.server.connection import Connection


class Connections:
    """Connections, bounded in all and for one address; a proxy may have all of them."""

    def __init__(self, most: int, most_of_one_address: int) -> None:
        self._most, self._most_of_one_address = most, most_of_one_address
        self._open: set[Connection] = set()
        self._of_address: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._open)

    def __iter__(self) -> Iterator[Connection]:
        return iter(self._open)

    def add(self, connection: Connection) -> None:
        """Add a connection."""
        self._open.add(connection)
        self._of_address[connection.address] += 1

    def discard(self, connection: Connection) -> None:
        """Take a connection out, unless that has been done before."""
        if connection in self._open:
            self._open.remove(connection)
            self._of_address[connection.address] -= 1
            if not self._of_address[connection.address]:
                del self._of_address[connection.address]

    @property
    def full(self) -> bool:
        """Whether no further connection may be accepted."""
        return len(self._open) >= self._most

    def surplus(self, address: str) -> bool:
        """Return whether an address has more connections than one address may have."""
        return self._of_address[address] > self._most_of_one_address
