"""Whatever company a generation has, it gets the characters it gets alone."""

from time import monotonic

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from service.request import Sampling
from service.scheduler import Scheduler
from service.sequence import Sequence
from tests.fakes import VOCABULARY_SIZE, ScriptedBatch

CAPACITY = 4
TAPE = 700


def _scheduler(capacity: int = CAPACITY, batch: ScriptedBatch | None = None) -> Scheduler:
    return Scheduler(batch or ScriptedBatch(capacity), capacity, TAPE, VOCABULARY_SIZE)


def _sequence(prompt: list[int], length: int, random_seed: int = 0, temperature: float = 1.0):
    sampling = Sampling(temperature, top_k=None, top_p=None, random_seed=random_seed)
    return Sequence(np.array(prompt), sampling, end=length)


def _result(sequence: Sequence) -> list[int]:
    """Everything a sequence was handed; it must have ended by now."""
    return np.concatenate([piece.ids for piece in sequence.pieces(monotonic())]).tolist()


def _run(scheduler: Scheduler) -> None:
    while not scheduler.idle:
        scheduler.step()


def _alone(**options) -> list[int]:
    scheduler, sequence = _scheduler(), _sequence(**options)
    scheduler.waiting.append(sequence)
    _run(scheduler)
    return _result(sequence)


requests = st.fixed_dictionaries(
    {
        "prompt": st.lists(st.integers(0, VOCABULARY_SIZE - 1), min_size=1, max_size=12),
        "length": st.integers(1, 20),
        "random_seed": st.integers(0, 3),
        "temperature": st.sampled_from([0.0, 0.5, 1.0]),
    }
)
arrivals = st.tuples(
    st.integers(0, 30), requests, st.none() | st.integers(0, 30)
)  # step of arrival, request, steps until it is cancelled


@settings(max_examples=150, deadline=None)
@given(st.lists(arrivals, max_size=14))
def test_any_interleaving_gives_what_each_gets_alone(plan) -> None:
    """Any mix of arrivals, lengths and cancellations leaves every other generation unchanged."""
    scheduler = _scheduler()
    sequences = [
        (arrival, _sequence(**request), request, cancel) for arrival, request, cancel in plan
    ]
    for now in range(80):
        for arrival, sequence, _, cancel in sequences:
            if arrival == now:
                scheduler.waiting.append(sequence)
            if cancel is not None and arrival + cancel == now:
                scheduler.aborts.append(sequence)
        scheduler.step()
    _run(scheduler)
    assert not scheduler.running
    assert not scheduler.waiting
    for _, sequence, request, cancel in sequences:
        if cancel is None:
            assert _result(sequence) == _alone(**request)


def test_fills_slots_and_then_waits() -> None:
    """No more run at once than there are slots; the next one starts when a slot is free."""
    scheduler = _scheduler()
    for _ in range(CAPACITY + 1):
        scheduler.waiting.append(_sequence([1], 3))
    scheduler.step()
    assert (len(scheduler.running), len(scheduler.waiting)) == (CAPACITY, 1)
    for _ in range(3):
        scheduler.step()
    assert (len(scheduler.running), len(scheduler.waiting)) == (1, 0)


def test_prompts_and_generated_characters_share_steps() -> None:
    """A long prompt does not stop another row from writing: both advance in every step."""
    batch = ScriptedBatch(CAPACITY)
    scheduler = _scheduler(batch=batch)
    scheduler.waiting.append(_sequence([1] * 50, 1))
    scheduler.waiting.append(_sequence([2], 50))
    _run(scheduler)
    assert batch.sizes == [2] * 50


def test_resumes_at_a_state() -> None:
    """A stream resumed at its end state goes on as if it had never stopped."""
    whole = _alone(prompt=[3, 1, 4], length=600, random_seed=5)
    for cut in (1, 255, 256, 257, 511):
        scheduler = _scheduler()
        first = _sequence([3, 1, 4], cut, random_seed=5)
        scheduler.waiting.append(first)
        _run(scheduler)
        (piece,) = first.pieces(monotonic())
        rest = Sequence(piece.ids[-1:], first.sampling, 600, start=cut, state=piece.end_state)
        scheduler.waiting.append(rest)
        _run(scheduler)
        assert piece.ids.tolist() + _result(rest) == whole


def test_a_slot_starts_clean() -> None:
    """A new sequence in a used slot starts from the zero state."""
    scheduler = _scheduler(capacity=1)
    first, second = _sequence([5, 6], 9), _sequence([5, 6], 9)
    scheduler.waiting.extend([first, second])
    _run(scheduler)
    assert _result(first) == _result(second)
