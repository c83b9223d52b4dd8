"""A sequence gets the same characters in any batch as alone, with any number of steps in a call."""

import re
from dataclasses import replace
from itertools import count
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.engine.batch import RUN
from service.engine.explain import describe
from service.engine.scheduler import LONGEST, SHORTEST, Scheduler
from service.stream.automaton import Walk
from service.stream.generation import Sampling
from service.stream.job import REPORT_INTERVAL, Ending, Job, Start
from service.stream.pattern import automaton_of
from service.stream.sequence import Sequence
from tests.fakes import VOCABULARY_SIZE, ScriptedBatch

CAPACITY = 4
TAPE = 700
SYMBOLS = tuple("abcdefghijk")


def _scheduler(
    capacity: int = CAPACITY, batch: ScriptedBatch | None = None, **options
) -> Scheduler:
    return Scheduler(batch or ScriptedBatch(capacity), capacity, TAPE, VOCABULARY_SIZE, **options)


def _sequence(
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
    drawn = Sampling(temperature, None, None, random_seed)
    if scored:
        ids = np.random.default_rng(random_seed).integers(VOCABULARY_SIZE, size=length)
        options |= {"given": ids, "wants_details": True}
    elif pattern is not None:
        options["automaton"] = automaton_of(pattern, SYMBOLS, "")
    return Sequence(
        Job(Start(np.array(prompt)), replace(drawn, **(sampling or {})), end=length, **options)
    )


def _result(sequence: Sequence) -> list[int]:
    """All characters of an ended sequence."""
    assert sequence.ended
    return sequence.ids.tolist()


def _ending(sequence: Sequence) -> Ending:
    assert sequence.ending is not None
    return sequence.ending


def _bytes(sequence: Sequence) -> list[bytes]:
    """The text, the end state and the snapshots of an ended sequence."""
    ending = _ending(sequence)
    assert ending.state is not None
    states = [ending.state, *(snapshot.state for snapshot in ending.snapshots)]
    return [sequence.ids.tobytes(), *(state.tobytes() for state in states)]


def _run(scheduler: Scheduler) -> None:
    while not scheduler.idle:
        scheduler.step()


def _abort(scheduler: Scheduler, sequence: Sequence) -> None:
    """Abort a sequence, as the hub does."""
    sequence.aborted = True
    if scheduler.waiting.discard(sequence):
        sequence.finish(Ending())


def _finish(sequence: Sequence) -> None:
    """Run a sequence alone, with one step in a call."""
    scheduler = _scheduler(run=1)
    scheduler.waiting.append(sequence)
    _run(scheduler)


def _alone(**options) -> list[int]:
    sequence = _sequence(**options)
    _finish(sequence)
    return _result(sequence)


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
    scheduler = _scheduler(run=run)
    sequences = [
        (arrival, _sequence(**request), request, cancel) for arrival, request, cancel in plan
    ]
    for now in range(80):
        for arrival, sequence, _, cancel in sequences:
            if arrival == now:
                scheduler.waiting.append(sequence)
            if cancel is not None and arrival + cancel == now:
                _abort(scheduler, sequence)
        scheduler.step()
    _run(scheduler)
    assert not scheduler.running
    assert not scheduler.waiting
    for _, sequence, request, cancel in sequences:
        if cancel is None:
            alone = _sequence(**request)
            _finish(alone)
            assert _bytes(sequence) == _bytes(alone)


def test_given_characters_are_scored() -> None:
    """A row reads given characters beside rows that draw, with the details of each one's place."""
    scored, drawn = _sequence([1, 2], 30, scored=True), _sequence([3], 40, random_seed=5)
    scheduler = _scheduler()
    scheduler.waiting.extend([drawn, scored])
    _run(scheduler)
    given = scored.job.given
    assert given is not None
    assert scored.ids.tolist() == given.tolist()
    assert _result(drawn) == _alone(prompt=[3], length=40, random_seed=5)
    batch = ScriptedBatch(1)
    logits = [batch.step(np.array([id_])).copy() for id_ in (1, 2, *given[:-1])]
    expected = describe(np.concatenate(logits[1:]), given)
    assert scored.details is not None
    assert np.array_equal(scored.details.logprobs, expected.logprobs)
    assert np.array_equal(scored.details.top_ids, expected.top_ids)


def test_fills_slots_and_then_waits() -> None:
    """At most one sequence runs in each slot; the next one starts when a slot is free."""
    scheduler = _scheduler(run=1)
    for _ in range(CAPACITY + 1):
        scheduler.waiting.append(_sequence([1], 3))
    scheduler.step()
    assert (len(scheduler.running), len(scheduler.waiting)) == (CAPACITY, 1)
    for _ in range(3):
        scheduler.step()
    assert (len(scheduler.running), len(scheduler.waiting)) == (1, 0)


def test_prompts_and_generated_characters_share_steps() -> None:
    """A row in prefill and a row in decode both advance in every step."""
    batch = ScriptedBatch(CAPACITY)
    scheduler = _scheduler(batch=batch)
    scheduler.waiting.append(_sequence([1] * 50, 1))
    scheduler.waiting.append(_sequence([2], 50))
    _run(scheduler)
    assert batch.sizes == [2] * 50


def test_resumes_at_its_end_state() -> None:
    """A stream resumed at its end state has the characters of a stream that never stopped."""
    whole = _alone(prompt=[3, 1, 4], length=600, random_seed=5)
    for cut in (1, 255, 256, 257, 511):
        first = _sequence([3, 1, 4], cut, random_seed=5)
        _finish(first)
        start = Start(first.ids[-1:], consumed=3 + cut - 1, state=_ending(first).state)
        rest = Sequence(Job(start, first.job.sampling, begin=cut, end=600))
        _finish(rest)
        assert _result(first) + _result(rest) == whole


def test_resumes_at_a_snapshot() -> None:
    """A stream resumed at a snapshot of its prompt or generated text has the same characters."""
    prompt = [n % VOCABULARY_SIZE for n in range(300)]
    whole = _sequence(prompt, 300, random_seed=5)
    _finish(whole)
    assert [snapshot.consumed for snapshot in _ending(whole).snapshots] == [256, 512]
    text = prompt + _result(whole)
    for snapshot in _ending(whole).snapshots:
        begin = max(snapshot.consumed, 300)
        start = Start(
            np.array(text[snapshot.consumed : begin + 1]), snapshot.consumed, snapshot.state
        )
        rest = Sequence(Job(start, whole.job.sampling, begin=begin + 1 - 300, end=300))
        _finish(rest)
        assert _result(rest) == text[begin + 1 :]


def test_an_aborted_sequence_can_be_resumed() -> None:
    """A sequence aborted in decode keeps its characters and a state to resume from."""
    whole = _alone(prompt=[3, 1, 4], length=50)
    scheduler, sequence = _scheduler(), _sequence([3, 1, 4], 50)
    scheduler.waiting.append(sequence)
    for _ in range(2):
        scheduler.step()
    _abort(scheduler, sequence)
    scheduler.step()
    assert scheduler.idle
    written = _result(sequence)
    assert 0 < len(written) < 50
    start = Start(sequence.ids[-1:], len(written) + 2, _ending(sequence).state)
    rest = Sequence(Job(start, sequence.job.sampling, begin=len(written), end=50))
    _finish(rest)
    assert written + _result(rest) == whole


def test_an_aborted_sequence_leaves_at_once() -> None:
    """A sequence aborted in the queue or in prefill ends without a character."""
    scheduler = _scheduler(capacity=1)
    reading, queued = _sequence([1] * 50, 5), _sequence([1], 5)
    scheduler.waiting.extend([reading, queued])
    scheduler.step()
    for sequence in (reading, queued):
        _abort(scheduler, sequence)
    scheduler.step()
    assert scheduler.idle
    assert _result(reading) == _result(queued) == []


def test_a_reader_gets_the_first_character_at_once_and_then_some_at_a_time() -> None:
    """A followed sequence gets characters at intervals, another one all at the end."""
    times = iter(np.arange(0, 100, SHORTEST / 10))
    scheduler = _scheduler(clock=lambda: next(times), run=1)
    followed, patient = _sequence([1], 40), _sequence([1], 40)
    scheduler.waiting.extend([followed, patient])
    assert not followed.wait(1, timeout=0)
    seen = []
    for _ in range(35):
        scheduler.step()
        seen.append(len(followed.ids))
    assert seen[0] == 1
    assert 3 <= len(set(seen)) <= 5
    assert len(patient.ids) == 0
    _run(scheduler)
    assert _result(followed) == _result(patient)


def test_a_reader_gets_the_first_character_as_soon_as_it_is_drawn() -> None:
    """No call goes past the first character of a followed sequence, whatever runs beside it."""
    scheduler = _scheduler()
    followed = _sequence([1] * 5, 40)
    assert not followed.wait(1, timeout=0)
    scheduler.waiting.extend([_sequence([2], 60), followed])
    scheduler.step()
    assert len(followed.ids) == 1


@pytest.mark.parametrize(("readers", "interval"), [(1, SHORTEST), (16, 0.125), (64, LONGEST)])
def test_deliveries_are_seldom_among_many_readers(readers: int, interval: float) -> None:
    """After the first character, all readers get characters at once, at an interval that grows."""
    now = 0.0
    scheduler = _scheduler(readers, clock=lambda: now)
    sequences = [_sequence([1], 200) for _ in range(readers)]
    for sequence in sequences:
        assert not sequence.wait(1, timeout=0)
    scheduler.waiting.extend(sequences)
    seen = []
    for now in (0.0, 0.9 * interval, 1.1 * interval, 1.9 * interval, 2.2 * interval):  # noqa: B007
        scheduler.step()
        seen.append({len(sequence.ids) for sequence in sequences})
    assert seen == [{1}, {1}, {33}, {33}, {65}]


def test_details_are_the_models_own() -> None:
    """Details are log-probabilities before temperature, the same in any batch."""
    expected = None
    for company in (0, 3):
        scheduler = _scheduler()
        sequence = _sequence([1, 2], 10, temperature=0.5, wants_details=True)
        others = [_sequence([5], 30, random_seed=n) for n in range(company)]
        scheduler.waiting.extend([*others, sequence])
        _run(scheduler)
        details = sequence.details
        assert details is not None
        expected = expected or details
        assert np.array_equal(details.logprobs, expected.logprobs)
        assert np.array_equal(details.top_ids, expected.top_ids)
        assert (np.diff(details.top_logprobs) <= 0).all()
        for id_, logprob, ids, values in zip(
            sequence.ids, details.logprobs, details.top_ids, details.top_logprobs, strict=True
        ):
            assert logprob <= values[0]
            if id_ in ids:
                assert values[ids.tolist().index(id_)] == logprob


def test_a_slot_starts_clean() -> None:
    """A new sequence in a used slot starts from the zero state."""
    scheduler = _scheduler(capacity=1)
    first, second = _sequence([5, 6], 9), _sequence([5, 6], 9)
    scheduler.waiting.extend([first, second])
    _run(scheduler)
    assert _result(first) == _result(second)


@given(
    st.lists(
        st.tuples(st.floats(-2, 2), st.floats(-2, 2), st.integers(0, 3)), min_size=1, max_size=8
    )
)
@settings(max_examples=50, deadline=None)
def test_penalties_are_each_rows_own(wanted: list[tuple[float, float, int]]) -> None:
    """A penalised sequence gets the same characters beside any others as alone."""

    def sequences() -> list[Sequence]:
        return [
            Sequence(
                Job(
                    Start(np.array([1, 2])),
                    Sampling(
                        1.0,
                        top_k=None,
                        top_p=None,
                        random_seed=seed,
                        presence_penalty=presence,
                        frequency_penalty=frequency,
                        logit_bias=((seed, 1.5),) if seed else (),
                    ),
                    end=10 + seed,
                )
            )
            for presence, frequency, seed in wanted
        ]

    together, alone = sequences(), sequences()
    scheduler = _scheduler()
    scheduler.waiting.extend(together)
    _run(scheduler)
    for sequence in alone:
        _finish(sequence)
    assert list(map(_result, together)) == list(map(_result, alone))


def _text(sequence: Sequence) -> str:
    """The text of a sequence with a pattern, without the character that ended the text."""
    automaton = sequence.job.automaton
    assert automaton is not None
    walk = Walk(automaton, sequence.job.end)
    belonging = walk.feed_all(_result(sequence))
    assert walk.over
    return "".join(SYMBOLS[id_] for id_ in _result(sequence)[:belonging])


@pytest.mark.parametrize("pattern", ["[a-e]{2,9}k", "(?:ab|[c-k])+", "a*b?", "(?:a|b)*k{3}"])
@pytest.mark.parametrize("temperature", [0.0, 1.0, 2.0])
def test_a_text_obeys_its_pattern(pattern: str, temperature: float) -> None:
    """The text of every random seed matches the pattern as a whole, within the length."""
    scheduler = _scheduler()
    sequences = [_sequence([1], 12, seed, temperature, pattern=pattern) for seed in range(40)]
    scheduler.waiting.extend(sequences)
    _run(scheduler)
    for sequence in sequences:
        assert re.fullmatch(pattern, _text(sequence))
        assert len(_text(sequence)) <= 12


def test_a_text_with_a_pattern_resumes_in_the_right_state() -> None:
    """A stream with a pattern goes on at any cut as if it had never stopped."""
    pattern = "(?:[a-e]{3}k){9}"
    whole = _alone(prompt=[3, 1, 4], length=36, pattern=pattern)
    for cut in range(1, 36):
        scheduler = _scheduler(run=1)
        first = _sequence([3, 1, 4], 36, pattern=pattern)
        scheduler.waiting.append(first)
        for _ in range(cut + 2):
            scheduler.step()
        _abort(scheduler, first)
        scheduler.step()
        have = first.ids
        start = Start(have[-1:], len(have) + 2, _ending(first).state, generated=have)
        rest = Sequence(replace(first.job, start=start, begin=len(have)))
        _finish(rest)
        assert have.tolist() + _result(rest) == whole


def test_the_model_chooses_under_the_pattern() -> None:
    """Allowed characters keep their relative probabilities; all others together are the end."""
    pattern, draws = "[a-e](?:[f-k][a-e]?)?", 3000
    scheduler = _scheduler(capacity=64)
    sequences = [_sequence([1], 2, seed, pattern=pattern) for seed in range(draws)]
    scheduler.waiting.extend(sequences)
    _run(scheduler)
    batch = ScriptedBatch(1)
    first = np.exp(batch.step(np.array([1]))[0])
    first[5:] = 0
    counts = np.bincount([sequence.ids[0] for sequence in sequences], minlength=VOCABULARY_SIZE)
    assert np.allclose(counts / draws, first / first.sum(), atol=0.03)
    second = np.exp(batch.step(np.array([0]))[0])
    texts = [_text(sequence) for sequence in sequences if sequence.ids[0] == 0]
    ended = np.mean([text == "a" for text in texts])
    assert ended == pytest.approx(second[:5].sum() / second.sum(), abs=0.05)


@pytest.mark.parametrize("window", [1, 3, 60])
def test_a_repetition_penalty_looks_back_as_far_as_its_window(window: int) -> None:
    """The drawn characters of the window are discouraged, also those before a resumption."""
    sampling = {"repetition_penalty": 5.0, "repetition_window": window}
    batch, expected = ScriptedBatch(1), [1]
    for _ in range(40):
        logits = batch.step(np.array(expected[-1:]))[0]
        for id_ in set(expected[1:][-window:]):
            logits[id_] *= 0.2 if logits[id_] > 0 else 5
        expected.append(int(logits.argmax()))
    whole = _sequence([1], 40, temperature=0.0, sampling=sampling)
    _finish(whole)
    assert _result(whole) == expected[1:]
    first = _sequence([1], 20, temperature=0.0, sampling=sampling)
    _finish(first)
    start = Start(first.ids[-1:], 20, _ending(first).state, generated=first.ids)
    rest = Sequence(replace(whole.job, start=start, begin=20))
    _finish(rest)
    assert _result(rest) == expected[21:]


@pytest.mark.parametrize("followed", [True, False])
def test_a_followed_sequence_reports_states(followed: bool) -> None:
    """A reader gets a state now and then, from which the rest of the text is drawn the same."""
    length = 3 * REPORT_INTERVAL
    ticks = count()  # seconds, so that each round delivers
    scheduler = Scheduler(
        ScriptedBatch(1), 1, length + 9, VOCABULARY_SIZE, clock=lambda: float(next(ticks))
    )
    sequence = _sequence([3, 1, 4], length, random_seed=5)
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
        _run(tail)
        assert _result(rest) == _result(sequence)[place:]
