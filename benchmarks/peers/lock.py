"""The share of a step for which the engine's thread holds the interpreter's lock."""

from collections.abc import Callable
from time import thread_time
from typing import Any

import numpy as np
import onnxruntime as ort

from benchmarks.peers.charloom import open_engine
from benchmarks.peers.unread import draw
from benchmarks.weights import SYMBOLS
from service.engine.schedule.scheduler import Scheduler
from service.stream.generation import Sampling
from service.stream.job import Job, Start

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
    jobs = [_job(seed, characters) for seed in range(rows)]
    draw(scheduler, jobs)  # warm up
    meter.seconds = 0.0
    total = draw(scheduler, jobs)
    if not meter.seconds:
        raise RuntimeError("the engine runs its graph by another way than run_with_iobinding")
    return 1 - meter.seconds / total


def _job(random_seed: int, characters: int) -> Job:
    start = Start(np.zeros(PROMPT, np.int64))
    sampling = Sampling(temperature=1.0, random_seed=random_seed, top_k=None, top_p=None)
    return Job(start, sampling, end=characters)
