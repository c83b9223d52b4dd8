"""The time that the current step of a thread has taken."""

from time import monotonic
from types import TracebackType


class Watch:
    """Measures steps: `with watch:` encloses each step of one thread, and any thread may look."""

    def __init__(self) -> None:
        self._began: float | None = None  # monotonic; None between steps

    def __enter__(self) -> None:
        self._began = monotonic()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._began = None

    @property
    def seconds(self) -> float:
        """For how long the current step has run; 0 between steps."""
        began = self._began
        return 0.0 if began is None else monotonic() - began
