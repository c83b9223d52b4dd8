"""A text is split once."""

import numpy as np
import pytest

from training.corpus.split import split
from training.errors import CorpusError


def numbered(length: int) -> np.ndarray:
    """A text whose every id is its own position."""
    return np.arange(length, dtype=np.int32)


def test_the_first_nine_tenths_train() -> None:
    """The first nine tenths train and the last tenth validates, in order."""
    text = split(numbered(1000), 0.1)
    np.testing.assert_array_equal(text.train, np.arange(900))
    np.testing.assert_array_equal(text.validation, np.arange(900, 1000))


def test_the_test_part_follows_the_validation_part() -> None:
    """With a test fraction, the last characters test and the characters before them validate."""
    text = split(numbered(1000), 0.1, 0.2)
    np.testing.assert_array_equal(text.train, np.arange(700))
    np.testing.assert_array_equal(text.validation, np.arange(700, 800))
    np.testing.assert_array_equal(text.test, np.arange(800, 1000))
    assert len(split(numbered(1000), 0.1).test) == 0


def test_a_test_part_too_short_to_measure_is_refused() -> None:
    """A test part of fewer than 50 characters is refused."""
    with pytest.raises(CorpusError, match=r"test text has 49 characters.*raise test_fraction"):
        split(numbered(1000), 0.1, 0.0486)


def test_a_held_out_text_too_short_to_measure_is_refused() -> None:
    """A held-out text of fewer than 50 characters is refused."""
    with pytest.raises(CorpusError, match=r"49 characters.*raise validation_fraction"):
        split(numbered(1000), 0.0486)
