"""A pool of threads, which grows with its tasks and shrinks without them."""

import logging
import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Self

from service.errors import QueueFull

Task = Callable[[], None]

IDLE_SECONDS = 10.0  # after which a thread without a task ends

log = logging.getLogger(__name__)


class Pool:
    """Runs tasks in at most `most` threads; safe to use from any thread.

    Where the system starts no further thread, as under a limit of processes, tasks wait for the threads
    that run. Python's `ThreadPoolExecutor` raises an error there, and keeps each thread to its own end.
    """

    def __init__(self, most: int, name: str) -> None:
        """Start the first thread, which stays.

        Raises:
            QueueFull: the system starts no thread.
        """
        self.most, self._name = most, name
        self._tasks: SimpleQueue[Task | None] = SimpleQueue()
        self._lock = threading.Lock()  # guards the next three
        self._threads: set[threading.Thread] = set()
        self._unfinished = 0  # tasks that wait or run
        self._refused = False  # whether the system has started no thread when it was asked last
        self._start(None)
        if not self._threads:
            raise QueueFull("the machine starts no further thread; try again in a moment")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Close the pool, and wait for the tasks that run."""
        self.close()
        for thread in [*self._threads]:
            thread.join()

    @property
    def size(self) -> int:
        """The number of threads."""
        return len(self._threads)

    def submit(self, task: Task) -> None:
        """Run a task as soon as a thread is free; an error of the task goes to the log."""
        with self._lock:
            self._unfinished += 1
            self._tasks.put(task)
            if len(self._threads) < min(self._unfinished, self.most):
                self._start(IDLE_SECONDS)

    def close(self) -> None:
        """Begin no further task; each thread ends with the task that it runs."""
        with self._lock:
            while not self._tasks.empty():
                self._tasks.get_nowait()
            for _ in self._threads:
                self._tasks.put(None)

    def _start(self, idle_seconds: float | None) -> None:
        """Start a thread that ends after so many seconds without a task; None: never."""
        thread = threading.Thread(
            target=self._run, args=[idle_seconds], name=self._name, daemon=True
        )
        try:
            thread.start()
        except RuntimeError as error:
            if not self._refused:
                log.warning("%s: %s; tasks wait for threads that run", self._name, error)
            self._refused = True
        else:
            self._threads.add(thread)
            self._refused = False

    def _run(self, idle_seconds: float | None) -> None:
        while True:
            try:
                task = self._tasks.get(timeout=idle_seconds)
            except Empty:
                if self._may_end():
                    return
                continue
            if task is None:
                return
            self._do(task)
            del task  # a waiting thread keeps nothing in memory

    def _may_end(self) -> bool:
        """Return whether the other threads are enough for all tasks, and count this thread no longer."""
        with self._lock:
            if self._unfinished >= len(self._threads):
                return False
            self._threads.discard(threading.current_thread())
            return True

    def _do(self, task: Task) -> None:
        try:
            task()
        except Exception:
            log.exception("a task failed")
        finally:
            with self._lock:
                self._unfinished -= 1
