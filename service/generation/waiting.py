"""Waiting for the characters of a sequence, as long as the deadline and the client allow."""

from collections.abc import Callable
from time import monotonic

from service.errors import ClientGone, DeadlineExceeded
from service.stream.sequence import Sequence

POLL = 0.2  # seconds between two checks of the client's connection


def wait_for(
    sequence: Sequence, wanted: int, deadline: float, connected: Callable[[], bool]
) -> None:
    """Wait until `wanted` characters of a sequence are delivered, or the sequence has ended.

    Raises:
        DeadlineExceeded: the deadline, a monotonic time, has passed.
        ClientGone: the client closed its connection.
        ServiceError: the error that ended the sequence.
    """
    while not sequence.wait(wanted, min(POLL, max(0.0, deadline - monotonic()))):
        if monotonic() >= deadline:
            raise DeadlineExceeded("the generation took too long; ask for less text")
        check(connected)


def check(connected: Callable[[], bool]) -> None:
    """Raise `ClientGone` if the client closed its connection."""
    if not connected():
        raise ClientGone("the client closed the connection")
