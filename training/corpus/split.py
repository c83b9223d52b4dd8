"""A text as ids, split into a training part, a held-out part and, if wanted, a test part."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.errors import CorpusError

Ids = NDArray[np.integer[Any]]  # the smallest integer type that holds the vocabulary

MINIMUM_VALIDATION = 50  # characters; a loss over fewer characters is noise


@dataclass(frozen=True)
class Split:
    """A text as ids [N]: the first `cut` characters train, the last `tested` test, the rest validates.

    In a corpus of many short texts the id `text_end` stands before each text and after the last one.
    """

    ids: Ids
    cut: int
    text_end: int | None = None
    repeated: int = 0
    """The texts that were left out because another text of the corpus is the same."""
    tested: int = 0

    @property
    def train(self) -> Ids:
        """The ids of the training part."""
        return self.ids[: self.cut]

    @property
    def validation(self) -> Ids:
        """The ids of the held-out part, between the training part and the test part."""
        return self.ids[self.cut : len(self.ids) - self.tested]

    @property
    def test(self) -> Ids:
        """The ids of the test part, which is measured once, at publication."""
        return self.ids[len(self.ids) - self.tested :]

    def texts_in(self, part: Ids) -> int:
        """Return the number of short texts that begin in a part of the text."""
        return int(np.count_nonzero(part[:-1] == self.text_end))


def split(ids: Ids, validation_fraction: float, test_fraction: float = 0.0) -> Split:
    """Hold out the last part of the text for the test, and the part before for validation.

    Raises:
        CorpusError: a part that is held out is shorter than MINIMUM_VALIDATION.
    """
    training, tested = sizes(len(ids), validation_fraction, test_fraction)
    text = _measurable(Split(ids, training, tested=tested))
    if test_fraction:
        _require("test", text.test, "test_fraction")
    return text


def sizes(characters: int, validation_fraction: float, test_fraction: float) -> tuple[int, int]:
    """Return the sizes of the training part and of the test part of a text, in characters."""
    training = int(characters * (1 - validation_fraction - test_fraction))
    return training, characters - int(characters * (1 - test_fraction))


def split_texts(ids: Ids, training: int, text_end: int, repeated: int) -> Split:
    """Hold out all short texts but the first `training` ones.

    Raises:
        CorpusError: the held-out part is shorter than MINIMUM_VALIDATION.
    """
    cut = int(np.flatnonzero(ids == text_end)[training])
    return _measurable(Split(ids, cut, text_end, repeated))


def _measurable(text: Split) -> Split:
    _require("held-out", text.validation, "validation_fraction")
    return text


def _require(name: str, part: Ids, key: str) -> None:
    if len(part) < MINIMUM_VALIDATION:
        raise CorpusError(
            f"the {name} text has {len(part)} characters; at least {MINIMUM_VALIDATION} "
            f"are needed: raise {key}"
        )
