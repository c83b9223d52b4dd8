"""The connection of a worker to the hub, or to the next hub after one has died."""

import logging
import threading
from collections.abc import Callable
from time import monotonic

from service.hub.messages import Order, Report
from service.hub.pulse import QUIET
from service.hub.rendezvous import Link, Rendezvous

log = logging.getLogger(__name__)


class HubConnection:
    """Sends orders from any thread, and hands out the reports in a thread of its own."""

    def __init__(
        self,
        rendezvous: Rendezvous,
        take: Callable[[Report], None],
        died: Callable[[], None],
        found: Callable[[], None],
    ) -> None:
        """Connect; the hub may answer later.

        Arguments:
            rendezvous: where the worker reaches a hub.
            take: called with each report.
            died: called when the hub has died, while orders still go to the dead hub.
            found: called as soon as orders go to the next hub.
        """
        self._rendezvous = rendezvous
        self._take, self._died, self._found = take, died, found
        self._closed = threading.Event()
        self._heard = monotonic()  # when the last message came
        self._sending = threading.Lock()
        self._link = Link(rendezvous)
        self._thread = threading.Thread(target=self._listen, name="hub-reports", daemon=True)
        self._thread.start()

    @property
    def fresh(self) -> bool:
        """Whether the hub was heard of just now."""
        return monotonic() < self._heard + QUIET

    def send(self, order: Order) -> None:
        """Send an order; the order is lost where the hub has died."""
        with self._sending:
            self._link.send(order)

    def close(self) -> None:
        """End the connection and the thread."""
        self._closed.set()
        self._link.shut()
        self._thread.join()
        self._link.close()

    def _listen(self) -> None:
        while not self._closed.is_set():
            try:
                self._take_reports()
            except (EOFError, OSError):
                if self._closed.is_set():
                    return
                log.warning("the connection to the hub has ended; connecting to the next hub")
            except Exception:
                # Without this thread every request would wait for ever.
                log.exception("a report of the hub cannot be taken; connecting anew")
            self._died()
            self._connect_again()

    def _take_reports(self) -> None:
        """Take reports until the connection ends; raises as `Link.receive` does."""
        while True:
            reports = self._link.receive()
            self._heard = monotonic()
            for report in reports:
                self._take(report)

    def _connect_again(self) -> None:
        with self._sending:
            self._link.close()
        link = self._next_link()
        if link is None:
            return
        with self._sending:
            self._link = link
        if self._closed.is_set():  # `close` has shut the link before
            link.shut()
        self._found()

    def _next_link(self) -> Link | None:
        """Connect to the next hub, or return None once this connection is closed."""
        while not self._closed.is_set():
            try:
                return Link(self._rendezvous)
            except OSError as error:  # the system may have no descriptor at the moment
                log.warning("the hub cannot be reached: %s; trying again", error.strerror)
                self._closed.wait(1.0)
        return None
