"""Many tasks run at once, and no more than a reader allows."""

import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from itertools import count, islice

import pytest

from service.generation.parallel import in_order, in_parallel

MOST = 3


def _run(
    work: Callable[[int], int], tasks: Iterator[int], abandoned: threading.Event | None = None
) -> Generator[tuple[int, int]]:
    return in_parallel(work, tasks, MOST, abandoned or threading.Event())


def test_every_task_has_its_result() -> None:
    """Results come with the index of their task, each once, and can be put in order."""
    arrivals = list(_run(lambda task: task * 10, iter(range(50, 70))))
    assert sorted(arrivals) == [(index, (index + 50) * 10) for index in range(20)]
    assert list(in_order(_run(lambda task: -task, iter(range(20))))) == [
        -task for task in range(20)
    ]


def test_a_result_that_is_ready_overtakes() -> None:
    """A task that waits holds back its own result alone."""
    gate = threading.Event()

    def work(task: int) -> int:
        assert task or gate.wait(10)
        return task

    with closing(_run(work, iter(range(5)))) as arrivals:
        early = [index for index, _ in islice(arrivals, 4)]
        gate.set()
        assert sorted(early) == [1, 2, 3, 4]
        assert list(arrivals) == [(0, 0)]


def test_a_slow_reader_holds_back_the_tasks() -> None:
    """No more tasks are begun than may wait to be read, also of tasks without end."""
    begun: list[int] = []

    def work(task: int) -> int:
        begun.append(task)
        return task

    with closing(_run(work, count())) as arrivals:
        for _ in range(10):
            next(arrivals)
        assert len(begun) <= 10 + MOST


def test_who_stops_reading_ends_the_tasks() -> None:
    """Closing tells the running tasks to end, and waits until they have."""
    abandoned, begun = threading.Event(), threading.Barrier(MOST, timeout=10)
    ended: list[int] = []

    def work(task: int) -> int:
        begun.wait()
        if task:
            assert abandoned.wait(10)
            ended.append(task)
        return task

    arrivals = _run(work, iter(range(MOST)), abandoned)
    next(arrivals)
    arrivals.close()
    assert sorted(ended) == [1, 2]


def test_an_error_ends_the_tasks() -> None:
    """The first error of a task is raised, and the other tasks are told to end."""
    abandoned = threading.Event()

    def work(task: int) -> int:
        if task == 0:
            raise ValueError("a scripted failure")
        assert abandoned.wait(10)
        return task

    with pytest.raises(ValueError, match="scripted"):
        list(_run(work, iter(range(3)), abandoned))
