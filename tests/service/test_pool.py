"""A pool grows with its tasks, shrinks without them, and goes on where the system gives no thread."""

import subprocess
import sys
import threading
from functools import partial

import pytest

from service import pool as module
from service.errors import QueueFull
from service.pool import Pool
from tests.servers import wait_until

# Threads have stacks of 8 MB: under the limit, a few of the fifty can start.
UNDER_A_LIMIT = """
import resource, threading
from time import sleep
from service.pool import Pool

threading.stack_size(8 << 20)
done = []
with Pool(50, "work") as pool:
    pages = int(open("/proc/self/statm").read().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + (60 << 20),) * 2)
    for number in range(100):
        pool.submit(lambda: (sleep(0.01), done.append(1)))
    while len(done) < 100:
        sleep(0.01)
    print(pool.size)
"""


def _meet(barrier: threading.Barrier) -> None:
    barrier.wait()


def test_tasks_run_at_once_up_to_the_most() -> None:
    """As many tasks as the pool may have threads run at once, and a further task waits."""
    together, late = threading.Barrier(4, timeout=10), threading.Event()
    with Pool(3, "work") as pool:
        for _ in range(3):
            pool.submit(partial(_meet, together))
        pool.submit(late.set)
        assert pool.size == 3
        assert not late.wait(0.05)
        together.wait()
        assert late.wait(10)
        assert pool.size == 3


def test_a_free_thread_takes_the_next_task() -> None:
    """Tasks that come one after the other need one thread."""
    with Pool(3, "work") as pool:
        for _ in range(50):
            done = threading.Event()
            pool.submit(done.set)
            assert done.wait(10)
            wait_until(lambda: pool._unfinished == 0, "the end of the task")
        assert pool.size == 1


def test_threads_without_a_task_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a while without tasks one thread is left, and the pool grows again with the next tasks."""
    monkeypatch.setattr(module, "IDLE_SECONDS", 0.05)
    with Pool(3, "work") as pool:
        for _ in range(2):
            together = threading.Barrier(4, timeout=10)
            for _ in range(3):
                pool.submit(partial(_meet, together))
            together.wait()
            wait_until(lambda: pool.size == 1, "the end of the idle threads")


def test_a_task_that_fails_ends_no_thread(caplog: pytest.LogCaptureFixture) -> None:
    """The error of a task is in the log, and the thread takes the next task."""
    done = threading.Event()
    with Pool(1, "work") as pool:
        pool.submit(lambda: 1 / 0)  # type: ignore[arg-type]
        pool.submit(done.set)
        assert done.wait(10)
    assert "ZeroDivisionError" in caplog.text


def test_closing_waits_for_what_runs_and_begins_nothing() -> None:
    """A closed pool has ended its running tasks, and drops those that wait."""
    begun, ended = threading.Event(), []

    def run() -> None:
        begun.set()
        threading.Event().wait(0.05)
        ended.append("first")

    with Pool(1, "work") as pool:
        pool.submit(run)
        pool.submit(lambda: ended.append("second"))
        assert begun.wait(10)
    assert ended == ["first"]


def test_tasks_wait_where_no_further_thread_starts() -> None:
    """Under a limit of the system every task is run, by fewer threads than the pool may have."""
    run = subprocess.run(
        [sys.executable, "-c", UNDER_A_LIMIT],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert 1 <= int(run.stdout) < 50
    assert run.stderr.count("tasks wait for threads that run") <= 2


def test_a_pool_needs_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where not even the first thread starts, the error is one that a client may answer by waiting."""

    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(QueueFull, match="try again"):
        Pool(3, "work")
