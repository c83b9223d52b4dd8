"""Has the store looked at again from time to time, off every request's path."""

import logging
import threading
from collections.abc import Callable

log = logging.getLogger(__name__)


class Reloader:
    """A thread that refreshes every so many seconds, and at once when asked."""

    def __init__(self, refresh: Callable[[], None], seconds: float) -> None:
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
            self._asked.wait(self._seconds)
            if self._closed:
                return
            self._asked.clear()
            try:
                self._refresh()
            except Exception:
                log.exception("looking at the store failed; what is loaded goes on")
