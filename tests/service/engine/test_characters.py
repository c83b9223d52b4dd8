"""The characters of a sequence follow from the model, its sampling and its pattern alone."""

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.engine.explain import describe
from service.stream.automaton import Walk
from service.stream.generation import Sampling
from service.stream.job import Job, Start
from service.stream.sequence import Sequence
from tests.fakes import VOCABULARY_SIZE, ScriptedBatch
from tests.sequences import (
    SYMBOLS,
    alone,
    ending_of,
    finish,
    result,
    run_all,
    scheduler_of,
    sequence_of,
)


def test_given_characters_are_scored() -> None:
    """A row reads given characters beside rows that draw, with the details of each one's place."""
    scored, drawn = sequence_of([1, 2], 30, scored=True), sequence_of([3], 40, random_seed=5)
    scheduler = scheduler_of()
    scheduler.waiting.extend([drawn, scored])
    run_all(scheduler)
    given = scored.job.given
    assert given is not None
    assert scored.ids.tolist() == given.tolist()
    assert result(drawn) == alone(prompt=[3], length=40, random_seed=5)
    batch = ScriptedBatch(1)
    logits = [batch.step(np.array([id_])).copy() for id_ in (1, 2, *given[:-1])]
    expected = describe(np.concatenate(logits[1:]), given)
    assert scored.details is not None
    assert np.array_equal(scored.details.logprobs, expected.logprobs)
    assert np.array_equal(scored.details.top_ids, expected.top_ids)


def test_details_are_the_models_own() -> None:
    """Details are log-probabilities before temperature, the same in any batch."""
    expected = None
    for company in (0, 3):
        scheduler = scheduler_of()
        sequence = sequence_of([1, 2], 10, temperature=0.5, wants_details=True)
        others = [sequence_of([5], 30, random_seed=n) for n in range(company)]
        scheduler.waiting.extend([*others, sequence])
        run_all(scheduler)
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
    scheduler = scheduler_of()
    scheduler.waiting.extend(together)
    run_all(scheduler)
    for sequence in alone:
        finish(sequence)
    assert list(map(result, together)) == list(map(result, alone))


def _text(sequence: Sequence) -> str:
    """The text of a sequence with a pattern, without the character that ended the text."""
    automaton = sequence.job.automaton
    assert automaton is not None
    walk = Walk(automaton, sequence.job.end)
    belonging = walk.feed_all(result(sequence))
    assert walk.over
    return "".join(SYMBOLS[id_] for id_ in result(sequence)[:belonging])


@pytest.mark.parametrize("pattern", ["[a-e]{2,9}k", "(?:ab|[c-k])+", "a*b?", "(?:a|b)*k{3}"])
@pytest.mark.parametrize("temperature", [0.0, 1.0, 2.0])
def test_a_text_obeys_its_pattern(pattern: str, temperature: float) -> None:
    """The text of every random seed matches the pattern as a whole, within the length."""
    scheduler = scheduler_of()
    sequences = [sequence_of([1], 12, seed, temperature, pattern=pattern) for seed in range(40)]
    scheduler.waiting.extend(sequences)
    run_all(scheduler)
    for sequence in sequences:
        assert re.fullmatch(pattern, _text(sequence))
        assert len(_text(sequence)) <= 12


def test_the_model_chooses_under_the_pattern() -> None:
    """Allowed characters keep their relative probabilities; all others together are the end."""
    pattern, draws = "[a-e](?:[f-k][a-e]?)?", 3000
    scheduler = scheduler_of(capacity=64)
    sequences = [sequence_of([1], 2, seed, pattern=pattern) for seed in range(draws)]
    scheduler.waiting.extend(sequences)
    run_all(scheduler)
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
    whole = sequence_of([1], 40, temperature=0.0, sampling=sampling)
    finish(whole)
    assert result(whole) == expected[1:]
    first = sequence_of([1], 20, temperature=0.0, sampling=sampling)
    finish(first)
    start = Start(first.ids[-1:], 20, ending_of(first).state, generated=first.ids)
    rest = Sequence(replace(whole.job, start=start, begin=20))
    finish(rest)
    assert result(rest) == expected[21:]
