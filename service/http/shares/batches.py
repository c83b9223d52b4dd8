"""The batches that run, counted by client."""

import threading
from collections import Counter

from service.errors import QueueFull

MOST = 2  # of one client in each process; one alone can fill the slots


class Batches:
    """The batches of each client, which are bounded; safe to use from any thread.

    Each batch has threads of its own, and every line asks again while the queue is full.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._of_client: Counter[str] = Counter()

    def begin(self, client: str) -> None:
        """Count a batch of a client.

        Raises:
            QueueFull: the client has as many batches as a client may have.
        """
        with self._lock:
            if self._of_client[client] == MOST:
                raise QueueFull(f"{MOST} batches of this client run; wait until one has ended")
            self._of_client[client] += 1

    def end(self, client: str) -> None:
        """Count a batch of a client no longer."""
        with self._lock:
            self._of_client[client] -= 1
            if not self._of_client[client]:
                del self._of_client[client]
