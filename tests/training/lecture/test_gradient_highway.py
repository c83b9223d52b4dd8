"""The chain rule, the slide's step of an LSTM, and errors handed back over 128 steps."""

import numpy as np
import pytest

from training.lecture.memory.gradient_highway import chain_rule, run_through
from training.lecture.memory.highway import (
    Backward,
    experiment,
    forward,
    lstm_gates,
    simple_rnn,
    through_lstm,
)
from training.lecture.steps import Gate


def test_local_derivatives_multiply() -> None:
    """The last product of the chain is the difference quotient of h(g(f(x))), and every link's too."""
    for link, nudged in zip(chain_rule(1.5), chain_rule(1.5 + 1e-7), strict=True):
        assert link[3] == pytest.approx((nudged[1] - link[1]) / 1e-7, rel=1e-5)


def test_the_slide() -> None:
    """With f = (1,1,0,1,1) and C̃ = (0,0,−1,0,0) the third unit alone changes, to −1, and blocks its gradient."""
    lines = run_through()
    before, after = lines["C_before"], lines["C = f ⊙ C_before + i ⊙ C̃"]
    assert list(after) == [*before[:2], -1, *before[3:]]
    assert list(lines["∂C/∂C_before = f"]) == [1, 1, 0, 1, 1]


@pytest.mark.parametrize("bias", [0, 1, np.inf])
def test_the_lstm_backward_by_hand_is_the_difference_quotient(bias) -> None:
    """The shares of all steps sum to the gradient of error·h_T by the weights from the input to C̃."""
    rng = np.random.default_rng(1)
    x, error, gate = rng.normal(size=(7, 3)), rng.normal(size=3), lstm_gates(3, bias, rng)

    def loss(nudge: float) -> float:
        W = gate["C"].W.copy()
        W[3 + 1, 2] += nudge  # from input 1 to unit 2
        return float(error @ forward(x, gate | {"C": Gate(W, gate["C"].b)})[-1].h)

    shares = through_lstm(x, error, gate).weights
    assert shares.sum(axis=0)[1, 2] == pytest.approx((loss(1e-6) - loss(-1e-6)) / 2e-6, rel=1e-5)


def test_the_rnn_backward_by_hand_is_the_formula() -> None:
    """The error of two steps is handed back as W·((1 − h²) ⊙ error)."""
    rng = np.random.default_rng(1)
    x, error = rng.normal(size=(2, 3)), rng.normal(size=3)
    gate = Gate(rng.normal(size=(6, 3)), np.zeros(3))
    h = np.tanh(gate(np.tanh(gate(np.zeros(3), x[0])), x[1]))
    expected = gate.W[:3] @ ((1 - h**2) * error)
    assert simple_rnn(x, error, gate).state[1] == pytest.approx(np.linalg.norm(expected))


@pytest.fixture(scope="module", params=range(10))
def networks(request: pytest.FixtureRequest) -> dict[str, Backward]:
    return experiment(request.param)


def test_without_a_forget_gate_the_error_arrives(networks) -> None:
    """At lag 100 the cell line without a forget gate bears the error, for the seeds 0 to 9."""
    assert 0.01 < networks["LSTM, forget gate off"].state[100] < 100


def test_with_a_forget_gate_the_error_fades_before_training(networks) -> None:
    """At lag 100 the error is below 10⁻⁷ with forget bias 1, 10⁻¹⁸ with bias 0, and 10⁻³⁰ in a simple RNN."""
    at_100 = [network.state[100] for network in networks.values()]
    assert at_100[0] < 1e-30
    assert at_100[1] < 1e-18
    assert 1e-14 < at_100[2] < 1e-7
