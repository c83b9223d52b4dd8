"""Gradients by lag, and the recall task. The margins held for the seeds 0 to 9."""

import numpy as np
import pytest
import tensorflow as tf

from training.lecture.learning import mean_nats, set_seeds
from training.lecture.memory import vanishing_gradient as lesson


def model(cell: str, seed: int) -> lesson.Recaller:
    set_seeds(seed)
    return lesson.Recaller(cell)


def test_the_lstm_keeps_its_gradient() -> None:
    """At lag 50 the gradient of an LSTM with forget bias 1 is a billion times the simple RNN's."""
    rnn, _ = lesson.gradient_norms(model("rnn, small W", 1), seed=1, longest=50)
    by_h, by_state = lesson.gradient_norms(model("lstm, forget bias 1", 1), seed=1, longest=50)
    assert by_state[50] > by_h[50] > 1e9 * rnn[50] > 0


def test_the_gradient_of_the_simple_rnn_is_the_product_of_the_formula() -> None:
    """|∂loss_T/∂h_t| equals the product with diag(1 − h²)·Wᵀ, T − t times."""
    rnn = model("rnn, orthogonal W", 1)
    by_h, by_state = lesson.gradient_norms(rnn, seed=1, longest=9, rows=1)
    x, _ = lesson.sequences(1, 9, rng := np.random.default_rng([1, 2]))
    states = rnn.recurrent(x)[0]
    with tf.GradientTape() as tape:
        tape.watch(last := states[-1:])
        loss = mean_nats(rnn.scores(last), rng.integers(lesson.SYMBOLS, size=1))
    gradient = np.asarray(tape.gradient(loss, last))[0]
    W = np.asarray(rnn.cell.recurrent_kernel)
    for norm, h in zip(by_h, np.asarray(states)[::-1], strict=True):
        assert norm == pytest.approx(np.linalg.norm(gradient), rel=1e-3)
        gradient = W @ ((1 - h**2) * gradient)
    assert np.array_equal(by_h, by_state)


@pytest.mark.slow
def test_the_lstm_recalls_where_the_simple_rnn_guesses() -> None:
    """After 50 distractors the trained LSTM recalls the symbol, and the trained RNN guesses."""
    recalled = {}
    for cell in ("rnn, small W", "lstm, forget bias 1"):
        lesson.learn(trained := model(cell, 1), lesson.ITERATIONS, seed=1)
        recalled[cell] = lesson.recall(trained, seed=1)[50]
    assert recalled["lstm, forget bias 1"] > 0.9
    assert recalled["rnn, small W"] < 0.25


def test_only_the_first_symbol_is_marked_and_asked_for() -> None:
    """Only the first symbol is marked, and the first symbol is every step's target."""
    x, y = lesson.sequences(3, 5, np.random.default_rng(1))
    assert np.all(x[..., :-1].sum(axis=-1) == 1)
    assert np.all(x[:, 0, -1] == 1)
    assert not x[:, 1:, -1].any()
    assert np.array_equal(y, np.repeat(x[:, :1, :-1].argmax(axis=-1), 6, axis=1))
