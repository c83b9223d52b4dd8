"""PixelRNN and PixelCNN: what each prediction depends on, completions, and the likelihood."""

import numpy as np
import pytest
import tensorflow as tf

from training.lecture.sequences.pixel_rnn import (
    NETWORKS,
    complete,
    influence,
    per_pixel,
    surprise,
    train,
)
from training.lecture.sequences.pixels import (
    LEVELS,
    SIDE,
    PixelCNN,
    PixelRNN,
    digits,
    skewed,
    straightened,
)


def test_a_column_of_the_skewed_map_is_a_diagonal() -> None:
    """Column d of a skewed map has the pixels with row + column = d, and straightening gives the map back."""
    rows, columns = np.mgrid[:SIDE, :SIDE]
    maps = tf.constant(np.stack([rows, columns, np.ones_like(rows)], axis=-1)[None])
    slanted = np.asarray(skewed(maps))[0]
    for d in range(2 * SIDE - 1):
        inside = slanted[:, d][slanted[:, d, 2] == 1]
        assert np.all(inside[:, 0] + inside[:, 1] == d)
    np.testing.assert_array_equal(straightened(skewed(maps)), maps)


@pytest.mark.parametrize("name", NETWORKS)
def test_predictions_depend_on_earlier_pixels(name) -> None:
    """PixelRNN reads every earlier pixel; PixelCNN misses those right of its cone; neither reads a later one."""
    network = NETWORKS[name](seed=1)
    pictures = np.random.default_rng(1).integers(LEVELS, size=(4, SIDE, SIDE), dtype=np.int32)
    for row, column in [(0, 0), (2, 0), (3, 4), (7, 7)]:
        reads = influence(network, pictures, row, column) > 0
        rows, columns = np.mgrid[:SIDE, :SIDE]
        earlier = SIDE * rows + columns < SIDE * row + column
        blind = columns - column > row - rows if name == "PixelCNN" else np.zeros_like(earlier)
        np.testing.assert_array_equal(reads, earlier & ~blind)


def test_networks_have_equal_sizes() -> None:
    """PixelRNN and PixelCNN have the same number of weights, within a tenth."""
    sizes = [kind(seed=1).size for kind in NETWORKS.values()]
    assert sizes[0] == pytest.approx(sizes[1], rel=0.1)


def test_surprise_of_a_uniform_guess() -> None:
    """A uniform distribution loses log LEVELS at every pixel; the shares of a pixel's levels sum to one."""
    training, held_out = digits()
    uniform = np.full((SIDE, SIDE, LEVELS), 1 / LEVELS)
    assert surprise(uniform, held_out) == pytest.approx(np.log(LEVELS))
    assert per_pixel(training).sum(axis=-1) == pytest.approx(1)


def test_completion_draws_the_hidden_pixels_alone() -> None:
    """The known pixels stay; a hidden pixel of certain level gets that level."""
    network = PixelCNN(seed=1)
    network.bias.assign(100 * np.eye(LEVELS)[np.full((SIDE, SIDE), 5)])
    pictures = digits()[1][:2]
    hidden = np.zeros((SIDE, SIDE), bool)
    hidden[4:, 2:] = True
    drawn = complete(network, pictures, hidden, np.random.default_rng(1))
    assert np.all(drawn[:, hidden] == 5)
    np.testing.assert_array_equal(drawn[:, ~hidden], pictures[:, ~hidden])


@pytest.mark.slow
def test_pixel_rnn_beats_the_pixels_alone() -> None:
    """After 80 updates PixelRNN loses less on held-out pictures than each pixel's own distribution."""
    training, held_out = digits()
    network, _ = train(PixelRNN, training, iterations=80, seed=1)
    lost = surprise(np.asarray(network.probabilities(tf.constant(held_out))), held_out)
    assert lost.mean() < surprise(per_pixel(training), held_out).mean() - 0.05
