"""Many tasks of one request, a bounded number at once."""

import threading
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing
from typing import TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")

MOST = 64  # tasks at once, as many as the default number of slots


def in_parallel(
    work: Callable[[Task], Result], tasks: Iterable[Task], most: int, abandoned: threading.Event
) -> Generator[tuple[int, Result]]:
    """Yield (index, result) of each task in order of completion.

    A task begins when fewer than `most` tasks run or wait to be read, so a slow reader slows the
    work. `abandoned` is set when the reading has ended, also early: from then on running tasks must
    end soon.

    Raises:
        Exception: the first error that a task raises.
    """
    running: dict[Future[Result], int] = {}
    with ThreadPoolExecutor(most, "many") as pool:
        try:
            for index, task in enumerate(tasks):
                running[pool.submit(work, task)] = index
                if len(running) == most:
                    yield from _completed(running)
            while running:
                yield from _completed(running)
        finally:
            abandoned.set()


def in_order(arrivals: Generator[tuple[int, Result]]) -> Generator[Result]:
    """Yield the results in the order of their indices, which are 0, 1, 2 and so on."""
    early: dict[int, Result] = {}
    following = 0
    with closing(arrivals):
        for index, result in arrivals:
            early[index] = result
            while following in early:
                yield early.pop(following)
                following += 1


def _completed(running: dict[Future[Result], int]) -> Generator[tuple[int, Result]]:
    """Wait for a result, and take every result that is there out of the running tasks."""
    done, _ = wait(running, return_when=FIRST_COMPLETED)
    for future in done:
        yield running.pop(future), future.result()
