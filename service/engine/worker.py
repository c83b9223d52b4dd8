"""The one thread that owns a scheduler and drives it."""

import logging
import threading

from service.engine.scheduler import Scheduled, Scheduler
from service.errors import EngineFailed

log = logging.getLogger(__name__)


class Worker:
    """Runs a scheduler in a thread of its own; sequences come in from any thread."""

    def __init__(self, scheduler: Scheduler, name: str) -> None:
        self._scheduler = scheduler
        self._wake = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def load(self) -> int:
        """How many sequences are in a slot or the queue."""
        return len(self._scheduler.running) + len(self._scheduler.waiting)

    def submit(self, sequence: Scheduled) -> None:
        """Queue a sequence."""
        with self._wake:
            self._scheduler.waiting.append(sequence)
            self._wake.notify()

    def cancel(self, sequence: Scheduled) -> None:
        """Free the sequence's slot or place in the queue before the next step."""
        with self._wake:
            self._scheduler.aborts.append(sequence)
            self._wake.notify()

    def close(self) -> None:
        """End the thread where it stands."""
        with self._wake:
            self._closed = True
            self._wake.notify()
        self._thread.join()

    def _run(self) -> None:
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._closed or not self._scheduler.idle)
                if self._closed:
                    return
            try:
                self._scheduler.step()
            except Exception:
                log.exception("a step failed; its generations end here")
                self._give_up()

    def _give_up(self) -> None:
        error = EngineFailed("the engine failed; the same request may work again")
        with self._wake:
            for sequence in self._scheduler.give_up():
                sequence.finish(None, error)
