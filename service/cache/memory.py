"""Values of the cache in the memory of this process."""

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence


class MemoryBytes:
    """Values up to a capacity; the least recently used are dropped. Safe to use from any thread."""

    problem: str | None = None

    def __init__(self, capacity: int) -> None:
        """Keep at most `capacity` bytes of values."""
        self._capacity = capacity
        self._size = 0
        self._values: OrderedDict[str, bytes] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: str) -> bytes | None:
        """Return the value of a key."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
            return self._values.get(key)

    def find(self, keys: Sequence[str]) -> tuple[str, bytes] | None:
        """Return the first key that has a value, with the value."""
        return next(((key, value) for key in keys if (value := self.get(key))), None)

    def set(self, values: Mapping[str, bytes]) -> None:
        """Keep each value under its key, except a value larger than the capacity."""
        with self._lock:
            for key, value in values.items():
                if len(value) > self._capacity:
                    continue
                self._size += len(value) - len(self._values.pop(key, b""))
                self._values[key] = value
            while self._size > self._capacity:
                _, dropped = self._values.popitem(last=False)
                self._size -= len(dropped)

    def close(self) -> None:
        """Do nothing: memory has no connection to close."""
