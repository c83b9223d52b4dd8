"""A sequence that begins at a state of an earlier one has the characters of an uninterrupted one."""

from dataclasses import replace
from itertools import count

import numpy as np
import pytest

from service.engine.schedule.scheduler import Scheduler
from service.stream.job import REPORT_INTERVAL, Job, Start
from service.stream.sequence import Sequence
from tests.fakes import VOCABULARY_SIZE, ScriptedBatch
from tests.sequences import (
    abort,
    alone,
    ending_of,
    finish,
    result,
    run_all,
    scheduler_of,
    sequence_of,
)


def test_resumes_at_its_end_state() -> None:
    """A stream resumed at its end state has the characters of a stream that never stopped."""
    whole = alone(prompt=[3, 1, 4], length=600, random_seed=5)
    for cut in (1, 255, 256, 257, 511):
        first = sequence_of([3, 1, 4], cut, random_seed=5)
        finish(first)
        start = Start(first.ids[-1:], consumed=3 + cut - 1, state=ending_of(first).state)
        rest = Sequence(Job(start, first.job.sampling, begin=cut, end=600))
        finish(rest)
        assert result(first) + result(rest) == whole


def test_resumes_at_a_snapshot() -> None:
    """A stream resumed at a snapshot of its prompt or generated text has the same characters."""
    prompt = [n % VOCABULARY_SIZE for n in range(300)]
    whole = sequence_of(prompt, 300, random_seed=5)
    finish(whole)
    assert [snapshot.consumed for snapshot in ending_of(whole).snapshots] == [256, 512]
    text = prompt + result(whole)
    for snapshot in ending_of(whole).snapshots:
        begin = max(snapshot.consumed, 300)
        start = Start(
            np.array(text[snapshot.consumed : begin + 1]), snapshot.consumed, snapshot.state
        )
        rest = Sequence(Job(start, whole.job.sampling, begin=begin + 1 - 300, end=300))
        finish(rest)
        assert result(rest) == text[begin + 1 :]


def test_an_aborted_sequence_can_be_resumed() -> None:
    """A sequence aborted in decode keeps its characters and a state to resume from."""
    whole = alone(prompt=[3, 1, 4], length=50)
    scheduler, sequence = scheduler_of(), sequence_of([3, 1, 4], 50)
    scheduler.waiting.append(sequence)
    for _ in range(2):
        scheduler.step()
    abort(scheduler, sequence)
    scheduler.step()
    assert scheduler.idle
    written = result(sequence)
    assert 0 < len(written) < 50
    start = Start(sequence.ids[-1:], len(written) + 2, ending_of(sequence).state)
    rest = Sequence(Job(start, sequence.job.sampling, begin=len(written), end=50))
    finish(rest)
    assert written + result(rest) == whole


def test_a_text_with_a_pattern_resumes_in_the_right_state() -> None:
    """A stream with a pattern goes on at any cut as if it had never stopped."""
    pattern = "(?:[a-e]{3}k){9}"
    whole = alone(prompt=[3, 1, 4], length=36, pattern=pattern)
    for cut in range(1, 36):
        scheduler = scheduler_of(run=1)
        first = sequence_of([3, 1, 4], 36, pattern=pattern)
        scheduler.waiting.append(first)
        for _ in range(cut + 2):
            scheduler.step()
        abort(scheduler, first)
        scheduler.step()
        have = first.ids
        start = Start(have[-1:], len(have) + 2, ending_of(first).state, generated=have)
        rest = Sequence(replace(first.job, start=start, begin=len(have)))
        finish(rest)
        assert have.tolist() + result(rest) == whole


@pytest.mark.parametrize("followed", [True, False])
def test_a_followed_sequence_reports_states(followed: bool) -> None:
    """A reader gets a state now and then, from which the rest of the text is drawn the same."""
    length = 3 * REPORT_INTERVAL
    ticks = count()  # seconds, so that each round delivers
    scheduler = Scheduler(
        ScriptedBatch(1), 1, length + 9, VOCABULARY_SIZE, clock=lambda: float(next(ticks))
    )
    sequence = sequence_of([3, 1, 4], length, random_seed=5)
    sequence.followed = followed
    scheduler.waiting.append(sequence)
    reported = []
    while not scheduler.idle:
        scheduler.step()
        reported += [each for each in [sequence.take_snapshot()] if each]
    assert len(reported) == (2 if followed else 0)
    for snapshot in reported:
        place = snapshot.consumed - 3 + 1  # characters that are drawn, the last one not consumed
        assert place > REPORT_INTERVAL
        start = Start(sequence.ids[place - 1 : place], snapshot.consumed, snapshot.state)
        rest = Sequence(Job(start, sequence.job.sampling, begin=place, end=length))
        tail = Scheduler(ScriptedBatch(1), 1, length + 9, VOCABULARY_SIZE)
        tail.waiting.append(rest)
        run_all(tail)
        assert result(rest) == result(sequence)[place:]
