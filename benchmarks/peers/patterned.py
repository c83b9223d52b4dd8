"""Steps of one batch, with and without patterns, and many names by a pattern."""

from functools import cache

import numpy as np

from benchmarks.peers.charloom import open_engine
from benchmarks.peers.unread import draw
from benchmarks.weights import SYMBOLS
from model_store import BUNDLED, ModelStore, contents
from service.engine.batch import RUN
from service.engine.onnx_engine import OnnxEngine
from service.engine.schedule.scheduler import Scheduler
from service.stream.automaton import Automaton
from service.stream.generation import Sampling
from service.stream.job import Job, Start
from service.stream.pattern import automaton_of

ROWS, CHARACTERS = 64, 128
LONGEST = 12  # characters of a name


def milliseconds(patterns: int, *, single: bool) -> float:
    """Return the processor time of one character of each of ROWS rows, which share so many patterns.

    `single` runs rows without patterns one step at a time too, as rows with patterns always run.
    """
    scheduler = _scheduler(_engine(), CHARACTERS, len(SYMBOLS), 1 if single else RUN)
    jobs = [
        _job(row, CHARACTERS, _automaton(row % patterns) if patterns else None)
        for row in range(ROWS)
    ]
    return 1000 * draw(scheduler, jobs) / CHARACTERS


def name_seconds(count: int, pattern: str) -> float:
    """Return the processor time of so many names by the bundled `shakespeare`, each of at most LONGEST characters."""
    store = ModelStore(BUNDLED)
    model = store.open(*store.resolve("shakespeare"))
    symbols = model.vocabulary.symbols
    automaton = automaton_of(pattern, symbols, "")
    engine = OnnxEngine(model.file(contents.INT8_GRAPH))
    scheduler = _scheduler(engine, LONGEST, len(symbols), RUN)
    return draw(scheduler, [_job(number, LONGEST, automaton) for number in range(count)])


def _scheduler(engine: OnnxEngine, characters: int, symbols: int, run: int) -> Scheduler:
    return Scheduler(
        engine.batch(ROWS),
        capacity=ROWS,
        tape_length=1 + characters,
        vocabulary_size=symbols,
        run=run,
    )


def _job(random_seed: int, characters: int, automaton: Automaton | None) -> Job:
    sampling = Sampling(temperature=1.0, random_seed=random_seed, top_k=None, top_p=None)
    return Job(Start(np.zeros(1, np.int64)), sampling, end=characters, automaton=automaton)


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
