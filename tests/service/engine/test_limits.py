"""What the limits of a draw leave out, compared with plain float64 arithmetic."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from service.engine.exact import steps_per_unit, weights
from service.engine.limits import Limits, restrict_some

logits = st.lists(st.floats(-8, 8, width=32), min_size=2, max_size=12)
shares = st.floats(0.05, 0.95)
NEAR = 1e-4  # of a decision that float32 may take the other way


def _kept(values: list[float], **limits: float) -> set[int]:
    """The ids that the limits leave of one row of logits."""
    chances = weights(np.array([values], np.float32), steps_per_unit(np.ones(1)))
    columns = {"top_k": len(values), "top_p": 1.0, "min_p": 0.0, "typical_p": 1.0} | limits
    before = chances.copy()
    restrict_some(chances, Limits(**{name: np.array([value]) for name, value in columns.items()}))
    kept = np.flatnonzero(chances[0])
    assert np.array_equal(chances[0, kept], before[0, kept])
    return set(kept.tolist())


def _probabilities(values: list[float]) -> np.ndarray:
    chances = np.exp(np.array(values, np.float32).astype(np.float64))
    return chances / chances.sum()


def _fewest(probabilities: np.ndarray, order: np.ndarray, share: float) -> set[int]:
    """The first ids of an order that hold the share; only where the decision is a clear one."""
    sums = np.cumsum(probabilities[order])
    assume(np.abs(sums - share).min() > NEAR)
    return set(order[: np.searchsorted(sums, share) + 1].tolist())


def _are_apart(values: np.ndarray) -> bool:
    return bool((np.diff(np.sort(values)) > NEAR).all())


@given(logits, shares)
def test_min_p_compares_with_the_likeliest(values: list[float], share: float) -> None:
    """min_p leaves the characters of at least this share of the highest probability."""
    ratios = (chances := _probabilities(values)) / chances.max()
    assume(np.abs(ratios - share).min() > NEAR)
    assert _kept(values, min_p=share) == set(np.flatnonzero(ratios > share).tolist())


@given(logits, shares)
def test_typical_p_keeps_the_most_typical(values: list[float], share: float) -> None:
    """typical_p leaves the fewest characters with the share whose information is nearest the entropy."""
    chances = _probabilities(values)
    information = -np.log(chances)
    distance = np.abs(information - chances @ information)
    assume(_are_apart(distance))
    assert _kept(values, typical_p=share) == _fewest(chances, np.argsort(distance), share)


@given(logits, shares, shares, shares)
def test_each_limit_sees_what_the_one_before_left(
    values: list[float], min_p: float, top_p: float, typical_p: float
) -> None:
    """All limits together are min_p, top_p and typical_p, one after another."""
    assume(_are_apart(np.array(values)))
    left = values
    for limit in ({"min_p": min_p}, {"top_p": top_p}, {"typical_p": typical_p}):
        kept = _kept(left, **limit)
        left = [value if id_ in kept else -1e9 for id_, value in enumerate(left)]
    kept = {id_ for id_, value in enumerate(left) if value > -1e9}
    assert _kept(values, min_p=min_p, top_p=top_p, typical_p=typical_p) == kept


@pytest.mark.parametrize(
    "limits", [{"min_p": 1.0}, {"typical_p": 1e-9}, {"min_p": 1.0, "typical_p": 0.5}]
)
def test_something_is_always_left(limits: dict[str, float]) -> None:
    """The narrowest limits leave at least one character."""
    assert len(_kept([1.0, 3.0, 2.0, 3.0], **limits)) >= 1
