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
    """A text as ids [N]: the first `cut` characters train, the last `tested` test, the rest validates."""

    ids: Ids
    cut: int
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


def split(ids: Ids, validation_fraction: float, test_fraction: float = 0.0) -> Split:
    """Hold out the last part of the text for the test, and the part before for validation.

    Raises:
        CorpusError: a part that is held out is shorter than MINIMUM_VALIDATION.
    """
    text = Split(ids, *sizes(len(ids), validation_fraction, test_fraction))
    _require("held-out", text.validation, "validation_fraction")
    if test_fraction:
        _require("test", text.test, "test_fraction")
    return text


def sizes(characters: int, validation_fraction: float, test_fraction: float) -> tuple[int, int]:
    """Return the sizes of the training part and of the test part of a text, in characters."""
    training = int(characters * (1 - validation_fraction - test_fraction))
    return training, characters - int(characters * (1 - test_fraction))


def _require(name: str, part: Ids, key: str) -> None:
    if len(part) < MINIMUM_VALIDATION:
        raise CorpusError(
            f"the {name} text has {len(part)} characters; at least {MINIMUM_VALIDATION} "
            f"are needed: raise {key}"
        )
