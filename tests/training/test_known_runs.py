"""Runs of a sample are found in a long text exactly where they stand word for word."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.publishing.known_runs import KnownRuns

letters = st.text("abc", min_size=1, max_size=60)


def ids(text: str) -> np.ndarray:
    return np.frombuffer(text.encode(), np.uint8) - ord("a")


def known(text: str, **chunk: int) -> KnownRuns:
    return KnownRuns(ids(text), 3, lambda _: None, **chunk)


@given(letters, letters, st.integers(1, 8))
def test_shares_are_those_of_a_search(text: str, sample: str, length: int) -> None:
    """The share of runs is that of a search of each run in the text."""
    runs = [sample[begin : begin + length] for begin in range(len(sample) - length + 1)]
    expected = np.mean([run in text for run in runs]) if runs else 0.0
    assert known(text).shares(ids(sample)[None], length) == expected


@given(letters, letters)
def test_the_longest_run_is_that_of_a_search(text: str, sample: str) -> None:
    """The longest copied run is as long as the longest part of the sample in the text."""
    parts = {sample[begin:end] for end in range(len(sample) + 1) for begin in range(end)}
    longest = max((len(part) for part in parts if part in text), default=0)
    assert known(text).longest(ids(sample)[None]) == longest


def test_runs_across_chunks_are_found() -> None:
    """A text of many chunks has the same runs as the same text in one chunk."""
    text = "".join(np.random.default_rng(1).choice(list("abc"), 5000))
    sample = ids(text[990:1010] + text[2000:2300])[None]
    whole, parts = known(text), known(text, chunk=100)
    assert parts.longest(sample) == whole.longest(sample) >= 300
    assert parts.shares(sample, 20) == whole.shares(sample, 20) > 0.9


def test_every_row_of_a_sample_counts() -> None:
    """A run in any row counts, and no run goes from one row to the next."""
    rows = np.stack([ids("abab"), ids("ccab")])
    assert known("bcc").longest(rows) == 2
    assert known("cccc").shares(rows, 2) == pytest.approx(1 / 6)
