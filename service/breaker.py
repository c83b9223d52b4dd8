"""A circuit breaker: a server that failed is not asked again for a moment."""

from collections.abc import Callable
from time import monotonic

PAUSE = 1.0  # seconds


class Breaker:
    """Opens for a pause after each failure.

    A frozen server then costs one request its timeout per pause, not every request.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._open_until = 0.0
        self.problem: str | None = None
        """The reason of the last failure, until the server answers again."""

    @property
    def open(self) -> bool:
        """Whether the server is not to be asked now."""
        return self._clock() < self._open_until

    def trip(self, reason: str) -> None:
        """Open the circuit, because the server has just failed."""
        self._open_until = self._clock() + PAUSE
        self.problem = reason

    def mend(self) -> None:
        """Note that the server has just answered."""
        self.problem = None
