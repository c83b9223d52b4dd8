"""A text as ids, split into a training part and a held-out part."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.errors import CorpusError

Ids = NDArray[np.integer[Any]]  # the smallest integer type that holds the vocabulary

MINIMUM_VALIDATION = 50  # characters; a loss over fewer characters is noise


@dataclass(frozen=True)
class Split:
    """A text as ids [N]: the first `cut` characters train, the rest validates.

    In a corpus of many short texts the id `text_end` stands before each text and after the last one.
    """

    ids: Ids
    cut: int
    text_end: int | None = None
    repeated: int = 0
    """The texts that were left out because another text of the corpus is the same."""

    @property
    def train(self) -> Ids:
        """The ids of the training part."""
        return self.ids[: self.cut]

    @property
    def validation(self) -> Ids:
        """The ids of the held-out part."""
        return self.ids[self.cut :]

    def texts_in(self, part: Ids) -> int:
        """Return the number of short texts that begin in a part of the text."""
        return int(np.count_nonzero(part[:-1] == self.text_end))


def split(ids: Ids, validation_fraction: float) -> Split:
    """Hold out the last part of the text for validation.

    Raises:
        CorpusError: the held-out part is shorter than MINIMUM_VALIDATION.
    """
    return _measurable(Split(ids, int(len(ids) * (1 - validation_fraction))))


def split_texts(ids: Ids, training: int, text_end: int, repeated: int) -> Split:
    """Hold out all short texts but the first `training` ones.

    Raises:
        CorpusError: the held-out part is shorter than MINIMUM_VALIDATION.
    """
    cut = int(np.flatnonzero(ids == text_end)[training])
    return _measurable(Split(ids, cut, text_end, repeated))


def _measurable(text: Split) -> Split:
    if len(text.validation) < MINIMUM_VALIDATION:
        raise CorpusError(
            f"the held-out text has {len(text.validation)} characters; at least "
            f"{MINIMUM_VALIDATION} are needed: raise validation_fraction"
        )
    return text
