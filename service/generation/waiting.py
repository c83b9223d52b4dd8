"""Waiting for the characters of a sequence, as long as the deadline, the client and the service allow."""

from collections.abc import Callable
from math import inf
from time import monotonic

from service.errors import ClientGone, DeadlineExceeded, Draining
from service.generation.stopping import Stopping
from service.stream.sequence import Sequence

POLL = 0.2  # seconds between two checks of the client's connection
STOPPING = "the service is stopping; send the same request again"


def wait_for(
    sequence: Sequence,
    wanted: int,
    connected: Callable[[], bool],
    stopping: Stopping,
    *,
    deadline: float,
    until: float = inf,
) -> bool:
    """Wait until `wanted` characters of a sequence are delivered, or the sequence has ended.

    Returns False where the monotonic time `until` comes before.

    Raises:
        DeadlineExceeded: the deadline, a monotonic time, has passed.
        ClientGone: the client closed its connection.
        Draining: the service is stopping, and running texts must end.
        ServiceError: the error that ended the sequence.
    """
    while not stopping.over:
        if sequence.wait(wanted, min(POLL, max(0.0, deadline - monotonic()))):
            return True
        if monotonic() >= deadline:
            raise DeadlineExceeded("the generation took too long; ask for less text")
        check(connected)
        if monotonic() >= until:
            return False
    raise Draining(STOPPING)


def check(connected: Callable[[], bool]) -> None:
    """Raise `ClientGone` if the client closed its connection."""
    if not connected():
        raise ClientGone("the client closed the connection")
