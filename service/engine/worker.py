"""A worker: the one thread that runs the steps of a scheduler."""

import logging
import threading
from time import monotonic

from service.engine.schedule.scheduler import Scheduler
from service.engine.watch import Watch

RECENT = 0.05  # the weight of the newest step in the average pace

log = logging.getLogger(__name__)


class Worker:
    """Runs a scheduler in a thread, as long as sequences run or wait."""

    def __init__(self, scheduler: Scheduler, name: str) -> None:
        self._scheduler = scheduler
        self._wake = threading.Condition()
        self._closed = False
        self.watch = Watch()
        """Measures the steps."""
        self.pace: float | None = None
        """The characters per second of recent full batches; None before the first."""
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def rows(self) -> int:
        """The number of sequences in a slot."""
        return self._scheduler.running

    def wake(self) -> None:
        """Look at the queue, where a sequence has come."""
        with self._wake:
            self._wake.notify()

    def close(self) -> None:
        """End the thread after its current step; running sequences are not finished."""
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
            began = monotonic()
            try:
                with self.watch:
                    characters = self._scheduler.step()
                self._measure(characters, monotonic() - began)
            except Exception:
                log.exception("a step failed; its generations end here")
                self._give_up()

    def _measure(self, characters: int, seconds: float) -> None:
        if self._scheduler.full:
            pace = characters / seconds
            self.pace = pace if self.pace is None else self.pace + RECENT * (pace - self.pace)

    def _give_up(self) -> None:
        for sequence in self._scheduler.give_up():
            sequence.finish(None)
