"""Captioning: true captions, unseen pairs, attention."""

import numpy as np
import pytest
import tensorflow as tf

from training.lecture.sequences.captioner import Captioner
from training.lecture.sequences.captioning import answers, places_of
from training.lecture.sequences.scenes import (
    COLOURS,
    END,
    NOUNS,
    SIZE,
    WORDS,
    held_out,
    scenes,
    words,
)


def test_a_caption() -> None:
    """A caption names the large shape, the relation and the small shape, and ends with END."""
    red_circle, blue_square = NOUNS.index(("red", "circle")), NOUNS.index(("blue", "square"))
    assert " ".join(words(red_circle, blue_square, 0)) == "a red circle left of a blue square ."
    assert words(blue_square, red_circle, 3)[-4:] == ["red", "circle", END, END]


def test_captions_are_true() -> None:
    """The larger shape is first and has the named colour, and its place fits the relation."""
    drawn = scenes(200, unseen=False, rng=np.random.default_rng(1))
    assert np.all(drawn.radii[:, 0] > drawn.radii[:, 1])
    captions = [[WORDS[word] for word in caption] for caption in drawn.captions()]
    distances = drawn.centres[:, 0] - drawn.centres[:, 1]  # to the right, and down
    for (_, _, _, relation, *_), distance in zip(captions, distances, strict=True):
        axis, sign = {"left": (0, -1), "right": (0, 1), "above": (1, -1), "below": (1, 1)}[relation]
        assert distance[axis] * sign == np.abs(distance).max()
    for caption, picture, covered in zip(
        captions, drawn.pictures(), drawn.covered()[:, 0], strict=True
    ):
        assert picture[covered].mean(axis=0) == pytest.approx(COLOURS[caption[1]], abs=1e-5)


def test_shapes_lie_apart() -> None:
    """The shapes of a scene have no pixel in common, and none touches the border."""
    covered = scenes(300, unseen=True, rng=np.random.default_rng(1)).covered()
    assert not covered.all(axis=1).any()
    assert not covered[..., [0, SIZE - 1]].any()
    assert not covered[..., [0, SIZE - 1], :].any()


def test_held_out_pairs_are_not_in_training() -> None:
    """No pair is on both sides, and every noun is in training at both places of a caption."""
    rng = np.random.default_rng(1)
    seen, unseen = (scenes(2000, side, rng).nouns for side in (False, True))
    assert not held_out(seen).any()
    assert held_out(unseen).all()
    assert all(len(set(seen[:, place])) == len(NOUNS) for place in (0, 1))


@pytest.mark.parametrize("attention", [False, True])
def test_attention_is_a_distribution_over_the_places(attention) -> None:
    """The attention of each word sums to one, and without attention all places weigh the same."""
    looks = answers(Captioner(attention, seed=1), unseen=False, seed=1, count=3).attention
    np.testing.assert_allclose(looks.sum(axis=(2, 3)), 1, rtol=1e-5)
    assert np.ptp(looks) < 1e-6 or attention


def test_greedy_decoding_feeds_its_own_output() -> None:
    """Fed with its own caption, the decoder returns each word as the likeliest again."""
    model = Captioner(attention=True, seed=1)
    rng = np.random.default_rng(1)
    picture = tf.constant(scenes(1, unseen=False, rng=rng).pictures())
    caption = np.asarray(model.greedy(picture)[0])[0]
    a, state = model.begin(picture)
    for before, written in zip([0, *caption[:-1]], caption, strict=True):
        logits, state, _ = model.step(tf.constant([before], tf.int32), state, a)
        assert int(tf.argmax(logits[0])) == written


def test_the_places_of_a_shape() -> None:
    """Every place with a pixel of a shape is one of its places, and they are more for the large shape."""
    drawn = scenes(50, unseen=False, rng=np.random.default_rng(1))
    places = places_of(drawn)
    pixels = np.kron(places, np.ones((4, 4), bool))
    assert np.all(pixels[drawn.covered()])
    large, small = places.mean(axis=(0, 2, 3))
    assert small < large < 0.4
