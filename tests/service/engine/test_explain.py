"""Details are log-probabilities of the model."""

import numpy as np
import pytest

from service.engine.explain import describe


def test_details_are_log_softmax() -> None:
    """A detail is the logarithm of the softmax of a row's logits, and the likeliest come first."""
    logits = np.random.default_rng(0).normal(0, 3, (7, 20)).astype(np.float32)
    ids = np.arange(7)
    likelihood = np.exp(logits.astype(np.float64))
    expected = np.log(likelihood / likelihood.sum(axis=1, keepdims=True))
    details = describe(logits, ids)
    assert details.logprobs == pytest.approx(expected[ids, ids], abs=1e-5)
    assert np.array_equal(details.top_ids, np.argsort(-expected, axis=1)[:, :5])
    assert details.top_logprobs == pytest.approx(-np.sort(-expected, axis=1)[:, :5], abs=1e-5)
