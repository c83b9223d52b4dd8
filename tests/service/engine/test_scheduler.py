"""A sequence gets the same characters in any batch as alone, with any number of steps in a call."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.engine.batch import RUN
from service.engine.schedule.deliveries import LONGEST, SHORTEST
from tests.fakes import VOCABULARY_SIZE, ScriptedBatch
from tests.sequences import (
    CAPACITY,
    abort,
    bytes_of,
    finish,
    result,
    run_all,
    scheduler_of,
    sequence_of,
)

requests = st.fixed_dictionaries(
    {
        "prompt": st.lists(st.integers(0, VOCABULARY_SIZE - 1), min_size=1, max_size=12),
        "length": st.integers(1, 20) | st.integers(250, 270),
        "random_seed": st.integers(0, 3),
        "temperature": st.sampled_from([0.0, 0.5, 1.0]),
        "sampling": st.sampled_from(
            [{}, {"top_k": 3}, {"min_p": 0.3}, {"typical_p": 0.5}, {"repetition_penalty": 2.0}]
        ),
        "pattern": st.none() | st.sampled_from(["[a-e]+", "(?:a|bc)*[f-k]", ".{1,4}"]),
        "wants_details": st.booleans(),
        "scored": st.booleans(),
    }
)
arrivals = st.tuples(
    st.integers(0, 30), requests, st.none() | st.integers(0, 30)
)  # round of arrival, request, rounds until it is cancelled


@settings(max_examples=100, deadline=None)
@given(st.lists(arrivals, max_size=14), st.integers(1, RUN))
def test_any_interleaving_gives_what_each_gets_alone(plan, run: int) -> None:
    """Any mix of arrivals, lengths, cancellations and steps in a call leaves each sequence unchanged."""
    scheduler = scheduler_of(run=run)
    sequences = [
        (arrival, sequence_of(**request), request, cancel) for arrival, request, cancel in plan
    ]
    for now in range(80):
        for arrival, sequence, _, cancel in sequences:
            if arrival == now:
                scheduler.waiting.append(sequence)
            if cancel is not None and arrival + cancel == now:
                abort(scheduler, sequence)
        scheduler.step()
    run_all(scheduler)
    assert not scheduler.running
    assert not scheduler.waiting
    for _, sequence, request, cancel in sequences:
        if cancel is None:
            alone = sequence_of(**request)
            finish(alone)
            assert bytes_of(sequence) == bytes_of(alone)


def test_fills_slots_and_then_waits() -> None:
    """At most one sequence runs in each slot; the next one starts when a slot is free."""
    scheduler = scheduler_of(run=1)
    for _ in range(CAPACITY + 1):
        scheduler.waiting.append(sequence_of([1], 3))
    scheduler.step()
    assert (scheduler.running, len(scheduler.waiting)) == (CAPACITY, 1)
    for _ in range(3):
        scheduler.step()
    assert (scheduler.running, len(scheduler.waiting)) == (1, 0)


def test_prompts_and_generated_characters_share_steps() -> None:
    """A row in prefill and a row in decode both advance in every step."""
    batch = ScriptedBatch(CAPACITY)
    scheduler = scheduler_of(batch=batch)
    scheduler.waiting.append(sequence_of([1] * 50, 1))
    scheduler.waiting.append(sequence_of([2], 50))
    run_all(scheduler)
    assert batch.sizes == [2] * 50


def test_an_aborted_sequence_leaves_at_once() -> None:
    """A sequence aborted in the queue or in prefill ends without a character."""
    scheduler = scheduler_of(capacity=1)
    reading, queued = sequence_of([1] * 50, 5), sequence_of([1], 5)
    scheduler.waiting.extend([reading, queued])
    scheduler.step()
    for sequence in (reading, queued):
        abort(scheduler, sequence)
    scheduler.step()
    assert scheduler.idle
    assert result(reading) == result(queued) == []


def test_a_reader_gets_the_first_character_at_once_and_then_some_at_a_time() -> None:
    """A followed sequence gets characters at intervals, another one all at the end."""
    times = iter(np.arange(0, 100, SHORTEST / 10))
    scheduler = scheduler_of(clock=lambda: next(times), run=1)
    followed, patient = sequence_of([1], 40), sequence_of([1], 40)
    scheduler.waiting.extend([followed, patient])
    assert not followed.wait(1, timeout=0)
    seen = []
    for _ in range(35):
        scheduler.step()
        seen.append(len(followed.ids))
    assert seen[0] == 1
    assert 3 <= len(set(seen)) <= 5
    assert len(patient.ids) == 0
    run_all(scheduler)
    assert result(followed) == result(patient)


def test_a_reader_gets_the_first_character_as_soon_as_it_is_drawn() -> None:
    """No call goes past the first character of a followed sequence, whatever runs beside it."""
    scheduler = scheduler_of()
    followed = sequence_of([1] * 5, 40)
    assert not followed.wait(1, timeout=0)
    scheduler.waiting.extend([sequence_of([2], 60), followed])
    scheduler.step()
    assert len(followed.ids) == 1


@pytest.mark.parametrize(("readers", "interval"), [(1, SHORTEST), (16, 0.125), (64, LONGEST)])
def test_deliveries_are_seldom_among_many_readers(readers: int, interval: float) -> None:
    """After the first character, all readers get characters at once, at an interval that grows."""
    now = 0.0
    scheduler = scheduler_of(readers, clock=lambda: now)
    sequences = [sequence_of([1], 200) for _ in range(readers)]
    for sequence in sequences:
        assert not sequence.wait(1, timeout=0)
    scheduler.waiting.extend(sequences)
    seen = []
    for now in (0.0, 0.9 * interval, 1.1 * interval, 1.9 * interval, 2.2 * interval):  # noqa: B007
        scheduler.step()
        seen.append({len(sequence.ids) for sequence in sequences})
    assert seen == [{1}, {1}, {33}, {33}, {65}]


def test_a_slot_starts_clean() -> None:
    """A new sequence in a used slot starts from the zero state."""
    scheduler = scheduler_of(capacity=1)
    first, second = sequence_of([5, 6], 9), sequence_of([5, 6], 9)
    scheduler.waiting.extend([first, second])
    run_all(scheduler)
    assert result(first) == result(second)
