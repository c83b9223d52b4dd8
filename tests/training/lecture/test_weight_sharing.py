"""Weight sharing: places never seen in training, and longer sequences. The margins held for the seeds 0 to 9."""

import numpy as np
import pytest

from training.lecture.recurrence.weight_sharing import (
    INPUTS,
    LENGTH,
    LONGER,
    NETWORKS,
    SYMBOLS,
    right_by_place,
    sequences,
    train,
)


def test_the_answer_follows_the_mark() -> None:
    """Each sequence has one mark, and the answer is the symbol after the mark."""
    places = np.array([0, 4, LENGTH - 2])
    x, y = sequences(places, LENGTH, np.random.default_rng(1))
    assert np.array_equal(x[..., SYMBOLS].argmax(axis=1), places)
    assert np.array_equal(x[range(3), places + 1].argmax(axis=1), y)
    assert np.all(x.sum(axis=-1) == 1)


def test_shared_weights_are_few() -> None:
    """The feed-forward network has a weight for each place, and most weights of the three networks."""
    sizes = {name: kind(LENGTH, INPUTS, SYMBOLS, 1).size for name, kind in NETWORKS.items()}
    assert sizes["feed-forward"] > 3 * sizes["recurrent"] > 3 * sizes["convolutional"]


@pytest.mark.parametrize("name", ["feed-forward", "convolutional"])
def test_shared_weights_answer_at_unseen_places(name) -> None:
    """The feed-forward network knows the places of its training alone, the convolutional network every place."""
    network = train(NETWORKS[name], iterations=400, seed=1)
    short, longer = (right_by_place(network, length, 1, rows=50) for length in (LENGTH, LONGER))
    assert short[::2].mean() > 0.75
    unseen = np.concatenate([short[1::2], longer[LENGTH:]])
    assert unseen.mean() > 0.9 if name == "convolutional" else unseen.mean() < 0.4


@pytest.mark.slow
def test_the_recurrent_network_reads_longer_sequences() -> None:
    """The recurrent network answers at unseen places, and mostly in sequences four times as long."""
    network = train(NETWORKS["recurrent"], iterations=400, seed=1)
    short, longer = (right_by_place(network, length, 1, rows=50) for length in (LENGTH, LONGER))
    assert short[1::2].mean() > 0.9
    assert longer.mean() > 0.6
