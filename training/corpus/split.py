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
    """A text as ids [N]: the first `cut` characters train, the rest validates."""

    ids: Ids
    cut: int

    @property
    def train(self) -> Ids:
        """The ids of the training part."""
        return self.ids[: self.cut]

    @property
    def validation(self) -> Ids:
        """The ids of the held-out part."""
        return self.ids[self.cut :]


def split(ids: Ids, validation_fraction: float) -> Split:
    """Hold out the last part of the text for validation.

    Raises:
        CorpusError: the held-out part is shorter than MINIMUM_VALIDATION.
    """
    cut = int(len(ids) * (1 - validation_fraction))
    if len(ids) - cut < MINIMUM_VALIDATION:
        raise CorpusError(
            f"the held-out text has {len(ids) - cut} characters; at least {MINIMUM_VALIDATION} "
            "are needed: raise validation_fraction"
        )
    return Split(ids=ids, cut=cut)
