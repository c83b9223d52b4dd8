"""Gradients by lag, and the recall task."""

import numpy as np
import pytest

from training.lecture import vanishing_gradient as lesson
from training.lecture.learning import set_seeds


@pytest.mark.parametrize("seed", [1, 2])
def test_the_lstm_keeps_its_gradient(seed) -> None:
    """At lag 50 the gradient of an LSTM with forget bias 1 is 1,000 times the simple RNN's."""
    norms = {}
    for cell in ("rnn", "lstm, forget bias 1"):
        set_seeds(seed)
        norms[cell] = lesson.gradient_norms(lesson.Recaller(cell), seed)
    assert norms["lstm, forget bias 1"][50] > 1000 * norms["rnn"][50] > 0


def test_the_query_asks_for_the_first_symbol() -> None:
    """A row is a symbol, n distractors and the query."""
    ids, symbols = lesson.sequences(3, np.array([0, 2, 5]), np.random.default_rng(1))
    assert list(ids[:, 0]) == list(symbols)
    assert [list(row).index(lesson.QUERY) for row in ids] == [1, 3, 6]


def test_what_comes_after_the_query_changes_nothing() -> None:
    """The answer is read at the query, so the filling after it plays no part."""
    model = lesson.Recaller("gru")
    ids, _ = lesson.sequences(4, np.full(4, 3), np.random.default_rng(1))
    other = ids.copy()
    other[:, 5:] = lesson.QUERY + 1
    assert np.allclose(model(ids), model(other))
