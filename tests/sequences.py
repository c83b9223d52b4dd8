"""Sequences and schedulers of a scripted batch."""

from dataclasses import replace
from typing import Any

import numpy as np

from service.engine.schedule.scheduler import Scheduler
from service.stream.generation import Sampling
from service.stream.job import Ending, Job, Start
from service.stream.pattern import automaton_of
from service.stream.sequence import Sequence
from tests.fakes import VOCABULARY_SIZE, ScriptedBatch

CAPACITY = 4
TAPE = 700
SYMBOLS = tuple("abcdefghijk")


def scheduler_of(
    capacity: int = CAPACITY, batch: ScriptedBatch | None = None, **options
) -> Scheduler:
    """Return a scheduler of a scripted batch with so many slots."""
    return Scheduler(batch or ScriptedBatch(capacity), capacity, TAPE, VOCABULARY_SIZE, **options)


def sequence_of(
    prompt: list[int],
    length: int,
    random_seed: int = 0,
    temperature: float = 1.0,
    sampling: dict[str, Any] | None = None,
    pattern: str | None = None,
    *,
    scored: bool = False,
    **options,
) -> Sequence:
    """Return a sequence that draws, or that is scored over random characters."""
    drawn = Sampling(temperature, None, None, random_seed)
    if scored:
        ids = np.random.default_rng(random_seed).integers(VOCABULARY_SIZE, size=length)
        options |= {"given": ids, "wants_details": True}
    elif pattern is not None:
        options["automaton"] = automaton_of(pattern, SYMBOLS, "")
    return Sequence(
        Job(Start(np.array(prompt)), replace(drawn, **(sampling or {})), end=length, **options)
    )


def result(sequence: Sequence) -> list[int]:
    """Return all characters of an ended sequence."""
    assert sequence.ended
    return sequence.ids.tolist()


def ending_of(sequence: Sequence) -> Ending:
    """Return how an ended sequence ended."""
    assert sequence.ending is not None
    return sequence.ending


def bytes_of(sequence: Sequence) -> list[bytes]:
    """Return the text, the end state and the snapshots of an ended sequence."""
    ending = ending_of(sequence)
    assert ending.state is not None
    states = [ending.state, *(snapshot.state for snapshot in ending.snapshots)]
    return [sequence.ids.tobytes(), *(state.tobytes() for state in states)]


def run_all(scheduler: Scheduler) -> None:
    """Step until no sequence is left."""
    while not scheduler.idle:
        scheduler.step()


def abort(scheduler: Scheduler, sequence: Sequence) -> None:
    """Abort a sequence, as the hub does."""
    sequence.cancel()
    if scheduler.waiting.discard(sequence):
        sequence.finish(Ending())


def finish(sequence: Sequence) -> None:
    """Run a sequence alone, with one step in a call."""
    scheduler = scheduler_of(run=1)
    scheduler.waiting.append(sequence)
    run_all(scheduler)


def alone(**options) -> list[int]:
    """Return the characters of a sequence that runs alone."""
    sequence = sequence_of(**options)
    finish(sequence)
    return result(sequence)
