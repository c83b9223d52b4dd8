"""Characters follow the requested distribution, each row independent of the others."""

import numpy as np
import pytest

from service.engine.limits import Limits
from service.engine.sampler import BLOCK, numbers_of, sample, steepness_of, uniform_block

V = 40
LOGITS = np.random.default_rng(0).normal(0, 2, (1, V)).astype(np.float32)


def _sample(logits, temperature=1.0, uniforms=0.5, top_k=V, top_p=1.0, min_p=0.0, typical_p=1.0):
    def column(value, kind=np.float64):
        return np.broadcast_to(np.asarray(value, kind), len(logits))

    limits = Limits(column(top_k, np.int64), column(top_p), column(min_p), column(typical_p))
    return sample(logits, steepness_of(column(temperature)), column(uniforms), limits)


def _probabilities(temperature: float) -> np.ndarray:
    weights = np.exp(LOGITS[0].astype(np.float64) / temperature)
    return weights / weights.sum()


def _counts(**options) -> np.ndarray:
    draws = 100_000
    uniforms = np.random.default_rng(1).random(draws)
    ids = _sample(np.repeat(LOGITS, draws, axis=0), uniforms=uniforms, **options)
    return np.bincount(ids, minlength=V)


def _chi_square_per_degree(counts: np.ndarray, probabilities: np.ndarray) -> float:
    likely = probabilities * counts.sum() > 5
    expected = probabilities[likely] * counts.sum()
    return float((((counts[likely] - expected) ** 2) / expected).sum() / (likely.sum() - 1))


@pytest.mark.parametrize("temperature", [0.2, 0.5, 1.0, 1.5, 2.0])
def test_follows_the_distribution(temperature: float) -> None:
    """Draws follow softmax(logits / temperature): chi-square of about 1 per degree of freedom."""
    counts = _counts(temperature=temperature)
    assert _chi_square_per_degree(counts, _probabilities(temperature)) < 2


@pytest.mark.parametrize("temperature", [0, 5e-324, 1e-50, 1e-40, 1e-38, 1e-30, 1e-20])
def test_the_coldest_take_the_likeliest(temperature: float) -> None:
    """At any tiny temperature nothing overflows and the likeliest character is drawn."""
    uniforms = numbers_of(0, 0, temperature)[-1]
    assert _sample(LOGITS, temperature=temperature, uniforms=uniforms) == LOGITS.argmax()


def test_wrong_distribution_is_noticed() -> None:
    """The chi-square test above fails for a temperature that is wrong by a tenth."""
    assert _chi_square_per_degree(_counts(temperature=1.1), _probabilities(1.0)) > 2


def test_top_k_follows_the_restricted_distribution() -> None:
    """With top_k, the k likeliest characters are drawn in proportion, and no other."""
    probabilities = _probabilities(1.0)
    probabilities[np.argsort(probabilities)[:-5]] = 0
    counts = _counts(top_k=5)
    assert not counts[probabilities == 0].any()
    assert _chi_square_per_degree(counts, probabilities / probabilities.sum()) < 3


def test_top_p_keeps_the_fewest_that_reach_p() -> None:
    """With top_p, the fewest likeliest characters that hold p together are drawn from."""
    probabilities = _probabilities(1.0)
    order = np.argsort(-probabilities)
    kept = order[: np.searchsorted(np.cumsum(probabilities[order]), 0.8) + 1]
    counts = _counts(top_p=0.8)
    assert set(np.flatnonzero(counts)) == set(kept)


def test_temperature_zero_takes_the_first_of_the_likeliest() -> None:
    """At temperature 0 the first of several likeliest characters is drawn, whatever the random seed."""
    logits = np.array([[0.5, 2.0, -1.0, 2.0]], np.float32)
    uniforms = np.concatenate([numbers_of(seed, 0, 0.0) for seed in range(3)])
    ids = _sample(
        np.repeat(logits, len(uniforms), axis=0), temperature=0, uniforms=uniforms, top_k=4
    )
    assert set(ids.tolist()) == {1}


def test_rows_do_not_mix() -> None:
    """A row draws the same character alone as in a batch of unlike rows."""
    rng = np.random.default_rng(2)
    rows = 64
    logits = rng.normal(0, 3, (rows, V)).astype(np.float32)
    steepness = steepness_of(rng.choice([0.0, 0.3, 1.0, 2.0], rows))
    uniforms = rng.random(rows)
    limits = Limits(
        rng.choice([1, 3, V], rows),
        rng.choice([0.5, 0.9, 1.0], rows),
        rng.choice([0.0, 0.1], rows),
        rng.choice([0.3, 1.0], rows),
    )
    together = sample(logits, steepness, uniforms, limits)
    one_by_one = np.arange(rows)[:, None]
    alone = [
        sample(logits[row], steepness[row], uniforms[row], limits.of(row))[0] for row in one_by_one
    ]
    assert together.tolist() == alone


def test_random_numbers_need_no_history() -> None:
    """Block k of a random seed is the k-th piece of one long sequence of random numbers."""
    generator = np.random.Generator(np.random.Philox(key=7))
    sequence = generator.random(3 * BLOCK)
    blocks = [uniform_block(7, block) for block in range(3)]
    assert np.array_equal(np.concatenate(blocks), sequence)


def test_random_seeds_differ() -> None:
    """Two random seeds have different random numbers, the largest allowed one among them."""
    assert not np.array_equal(uniform_block(0, 0), uniform_block(2**63 - 1, 0))
