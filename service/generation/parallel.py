"""Many tasks of one request, a bounded number at once."""

import threading
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future
from contextlib import closing
from functools import partial
from queue import SimpleQueue
from typing import TypeVar

from service.pool import Pool

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
    ended: SimpleQueue[tuple[int, Future[Result]]] = SimpleQueue()

    def do(index: int, task: Task) -> None:
        result: Future[Result] = Future()
        try:
            result.set_result(work(task))
        except Exception as error:  # noqa: BLE001 - raised again by `following`
            result.set_exception(error)
        ended.put((index, result))

    def following() -> tuple[int, Result]:
        index, result = ended.get()
        return index, result.result()

    unread = 0
    with Pool(most, "many") as pool:
        try:
            for index, task in enumerate(tasks):
                if unread == most:
                    yield following()
                    unread -= 1
                pool.submit(partial(do, index, task))
                unread += 1
            for _ in range(unread):
                yield following()
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
