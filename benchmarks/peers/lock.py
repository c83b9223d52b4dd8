"""The share of a step for which the engine's thread holds the interpreter's lock."""

from collections.abc import Callable
from time import thread_time
from typing import Any

import numpy as np
import onnxruntime as ort

from benchmarks.peers.charloom import open_engine
from benchmarks.weights import SYMBOLS
from service.engine.scheduler import Scheduler
from service.stream.details import Details
from service.stream.generation import Sampling
from service.stream.job import Ending, Ids, Job, Snapshot, Start

PROMPT = 32


class Meter:
    """The seconds of processor time that runs of ONNX Runtime take; a run holds no lock."""

    def __init__(self) -> None:
        self.seconds = 0.0
        ort.InferenceSession.run_with_iobinding = self._timed(
            ort.InferenceSession.run_with_iobinding
        )

    def _timed(self, run: Callable[..., None]) -> Callable[..., None]:
        def timed(*arguments: Any) -> None:
            begin = thread_time()
            run(*arguments)
            self.seconds += thread_time() - begin

        return timed


class Unread:
    """A sequence that nobody reads."""

    def __init__(self, random_seed: int, characters: int) -> None:
        start = Start(np.zeros(PROMPT, np.int64))
        sampling = Sampling(temperature=1.0, random_seed=random_seed, top_k=None, top_p=None)
        self.job = Job(start, sampling, end=characters)
        self.client = ""
        self.followed = self.aborted = False

    def admit(self, time: float) -> None:
        """Do nothing."""

    def deliver(
        self, ids: Ids, details: Details | None, *, snapshot: Snapshot | None = None
    ) -> None:
        """Do nothing."""

    def finish(self, ending: Ending | None) -> None:
        """Do nothing."""


def share_held(rows: int, characters: int) -> float:
    """Return the share of the thread's processor time that lies outside of ONNX Runtime.

    NumPy releases the lock in some of its loops, so the true share is lower. The reports to the HTTP
    processes are not in it.

    Raises:
        RuntimeError: the engine runs its graph by another way than `run_with_iobinding`.
    """
    meter, engine = Meter(), open_engine()
    scheduler = Scheduler(
        engine.batch(rows),
        capacity=rows,
        tape_length=PROMPT + characters,
        vocabulary_size=len(SYMBOLS),
    )
    _draw(scheduler, rows, characters)  # warm up
    meter.seconds = 0.0
    total = _draw(scheduler, rows, characters)
    if not meter.seconds:
        raise RuntimeError("the engine runs its graph by another way than run_with_iobinding")
    return 1 - meter.seconds / total


def _draw(scheduler: Scheduler, rows: int, characters: int) -> float:
    """Draw a text in every row; return the seconds of processor time."""
    scheduler.waiting.extend(Unread(seed, characters) for seed in range(rows))
    begin = thread_time()
    while not scheduler.idle:
        scheduler.step()
    return thread_time() - begin
