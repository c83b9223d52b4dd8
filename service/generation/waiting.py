"""Waiting for the characters of a sequence, as long as the deadline, the client and the service allow."""

from collections.abc import Callable
from math import inf
from time import monotonic

from service.errors import ClientGone, DeadlineExceeded, Draining
from service.generation.stopping import Stopping
from service.stream.sequence import Sequence

POLL = 0.2  # seconds between two checks of the client's connection
STOPPING = "the service is stopping; send the same request again"


class Patience:
    """Waits for the characters of one request, as long as the deadline, the client and the service allow.

    The connection is looked at every POLL seconds, also while characters keep coming: the text of a
    client that has left may be one of several that a request reads at once.
    """

    def __init__(
        self, connected: Callable[[], bool], stopping: Stopping, deadline: float = inf
    ) -> None:
        """Take the probe of the client's connection, the service's end, and a monotonic time."""
        self._connected = connected
        self._stopping = stopping
        self._deadline = deadline
        self._look = monotonic() + POLL

    def wait_for(self, sequence: Sequence, wanted: int, until: float = inf) -> bool:
        """Wait until `wanted` characters of a sequence are delivered, or the sequence has ended.

        Returns False where the monotonic time `until` comes before.

        Raises:
            DeadlineExceeded: the deadline has passed.
            ClientGone: the client closed its connection.
            Draining: the service is stopping, and running texts must end.
            ServiceError: the error that ended the sequence.
        """
        while not self._stopping.over:
            came = sequence.wait(wanted, min(POLL, max(0.0, self._deadline - monotonic())))
            now = monotonic()
            if not came and now >= self._deadline:
                raise DeadlineExceeded("the generation took too long; ask for less text")
            if now >= self._look:
                self._look = now + POLL
                check(self._connected)
            if came or now >= until:
                return came
        raise Draining(STOPPING)


def check(connected: Callable[[], bool]) -> None:
    """Raise `ClientGone` if the client closed its connection."""
    if not connected():
        raise ClientGone("the client closed the connection")
