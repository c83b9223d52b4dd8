"""The one thread that owns a scheduler and drives it."""

import logging
import threading

from service.errors import Draining, EngineFailed, QueueFull
from service.scheduler import Scheduler
from service.sequence import Sequence

log = logging.getLogger(__name__)


class Worker:
    """Runs a scheduler in a thread of its own; sequences come in from any thread."""

    def __init__(self, scheduler: Scheduler, queue: int, name: str) -> None:
        self._scheduler = scheduler
        self._queue = queue
        self._wake = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name=f"engine-{name}", daemon=True)
        self._thread.start()

    def submit(self, sequence: Sequence) -> None:
        """Queue a sequence.

        Raises:
            QueueFull: every slot is taken and the queue is full.
            Draining: the worker is closing.
        """
        scheduler = self._scheduler
        with self._wake:
            if self._closed:
                raise Draining("the service is stopping; try again elsewhere or later")
            if self.running + self.waiting >= scheduler.capacity + self._queue:
                raise QueueFull("too many generations are waiting; try again in a moment")
            scheduler.waiting.append(sequence)
            self._wake.notify()

    def cancel(self, sequence: Sequence) -> None:
        """Free the sequence's slot or place in the queue before the next step."""
        with self._wake:
            self._scheduler.aborts.append(sequence)
            self._wake.notify()

    @property
    def alive(self) -> bool:
        """Whether the thread can still answer."""
        return self._thread.is_alive() and not self._closed

    @property
    def running(self) -> int:
        """How many sequences are in a slot."""
        return len(self._scheduler.running)

    @property
    def waiting(self) -> int:
        """How many sequences are in the queue."""
        return len(self._scheduler.waiting)

    def close(self) -> None:
        """Finish nothing more: end the thread and tell every reader."""
        with self._wake:
            self._closed = True
            self._wake.notify()
        self._thread.join()
        self._fail_all(Draining("the service is stopping; try again elsewhere or later"))

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
                self._fail_all(EngineFailed("the engine failed; the same request may work again"))

    def _fail_all(self, error: Draining | EngineFailed) -> None:
        with self._wake:
            for sequence in self._scheduler.give_up():
                sequence.finish(error)
