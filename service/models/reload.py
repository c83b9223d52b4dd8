"""Regular refreshing of the models, in a thread of its own, so that no request waits for the store."""

import logging
import threading
from collections.abc import Callable

log = logging.getLogger(__name__)


class Reloader:
    """A thread that refreshes at a fixed interval, and at once when asked."""

    def __init__(self, refresh: Callable[[bool], None], seconds: float) -> None:
        """Start the thread; `refresh` hears whether it was asked for, `seconds` is the interval."""
        self._refresh = refresh
        self._seconds = seconds
        self._asked = threading.Event()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="reloader", daemon=True)
        self._thread.start()

    def ask(self) -> None:
        """Refresh now; safe to call from a signal handler."""
        self._asked.set()

    def close(self) -> None:
        """End the thread."""
        self._closed = True
        self._asked.set()
        self._thread.join()

    def _run(self) -> None:
        while True:
            asked = self._asked.wait(self._seconds)
            if self._closed:
                return
            self._asked.clear()
            try:
                self._refresh(asked)
            except Exception:
                log.exception("refreshing the models failed; the loaded models go on answering")
