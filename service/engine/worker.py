"""A worker: the one thread that runs the steps of a scheduler."""

import logging
import threading
from time import monotonic

from service.engine.scheduler import Scheduled, Scheduler

log = logging.getLogger(__name__)


class Worker:
    """Runs a scheduler in a thread; any thread may submit and cancel sequences."""

    def __init__(self, scheduler: Scheduler, name: str) -> None:
        self._scheduler = scheduler
        self._wake = threading.Condition()
        self._closed = False
        self._step_began: float | None = None  # monotonic; None between steps
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def load(self) -> int:
        """The number of sequences in a slot or in the queue."""
        return len(self._scheduler.running) + len(self._scheduler.waiting)

    @property
    def rows(self) -> int:
        """The number of sequences in a slot."""
        return len(self._scheduler.running)

    def seconds_in_step(self) -> float:
        """Return for how long the current step has run; 0 between steps."""
        began = self._step_began
        return 0.0 if began is None else monotonic() - began

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
            self._step_began = monotonic()
            try:
                self._scheduler.step()
            except Exception:
                log.exception("a step failed; its generations end here")
                self._give_up()
            self._step_began = None

    def _give_up(self) -> None:
        with self._wake:  # no sequence is submitted between the scheduler's copying and clearing
            sequences = self._scheduler.give_up()
        for sequence in sequences:
            sequence.finish(None)
