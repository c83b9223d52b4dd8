"""Values of the cache in the memory of the hub, one for all workers."""

from collections.abc import Mapping, Sequence

from service.hub.worker.client import HubClient


class SharedMemory:
    """Values that the hub keeps; a value is lost with its hub."""

    problem: str | None = None

    def __init__(self, hub: HubClient) -> None:
        self._hub = hub

    def get(self, key: str) -> bytes | None:
        """Return the value of a key."""
        found = self._hub.find([key])
        return None if found is None else found[1]

    def find(self, keys: Sequence[str]) -> tuple[str, bytes] | None:
        """Return the first key that has a value, with the value."""
        return self._hub.find(list(keys)) if keys else None

    def set(self, values: Mapping[str, bytes]) -> None:
        """Keep each value under its key."""
        self._hub.keep(dict(values))

    def close(self) -> None:
        """Do nothing: the application closes the connection to the hub."""
