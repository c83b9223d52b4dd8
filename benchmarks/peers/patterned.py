"""Steps of one batch, with and without patterns."""

from functools import cache

import numpy as np

from benchmarks.peers.charloom import open_engine
from benchmarks.peers.unread import draw
from benchmarks.weights import SYMBOLS
from service.engine.batch import RUN
from service.engine.onnx_engine import OnnxEngine
from service.engine.scheduler import Scheduler
from service.stream.automaton import Automaton
from service.stream.generation import Sampling
from service.stream.job import Job, Start
from service.stream.pattern import automaton_of

ROWS, CHARACTERS = 64, 128


def milliseconds(patterns: int, *, single: bool) -> float:
    """Return the processor time of one character of each of ROWS rows, which share so many patterns.

    `single` runs rows without patterns one step at a time too, as rows with patterns always run.
    """
    scheduler = Scheduler(
        _engine().batch(ROWS),
        capacity=ROWS,
        tape_length=1 + CHARACTERS,
        vocabulary_size=len(SYMBOLS),
        run=1 if single else RUN,
    )
    return 1000 * draw(scheduler, [_job(row, patterns) for row in range(ROWS)]) / CHARACTERS


def _job(row: int, patterns: int) -> Job:
    sampling = Sampling(temperature=1.0, random_seed=row, top_k=None, top_p=None)
    automaton = _automaton(row % patterns) if patterns else None
    return Job(Start(np.zeros(1, np.int64)), sampling, end=CHARACTERS, automaton=automaton)


@cache
def _automaton(number: int) -> Automaton:
    """Return the automaton of a pattern whose texts all have CHARACTERS characters."""
    name = 1 + number % 16
    words = f"[A-Z][a-z]{{{name}}} [{chr(ord('a') + number // 16)}-z]{{{17 - name}}}"
    repeats, rest = divmod(CHARACTERS, 19)
    return automaton_of(f"({words}){{{repeats}}}.{{{rest}}}", SYMBOLS, "")


@cache
def _engine() -> OnnxEngine:
    return open_engine()
