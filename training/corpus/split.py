"""The text as ids, and its held-out part."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.errors import CorpusError

Ids = NDArray[np.integer[Any]]  # of a text: the smallest type that holds them

MINIMUM_VALIDATION = 50  # characters; a loss over fewer says nothing


@dataclass(frozen=True)
class Split:
    """The text as ids: the characters before `cut` train, the rest validates."""

    ids: Ids
    cut: int

    @property
    def train(self) -> Ids:
        """The part that is learned from."""
        return self.ids[: self.cut]

    @property
    def validation(self) -> Ids:
        """The held-out part, never learned from."""
        return self.ids[self.cut :]


def split(ids: Ids, validation_fraction: float) -> Split:
    """Keep the last part of the text for validation.

    Raises:
        CorpusError: that part is too short to measure a loss on.
    """
    cut = int(len(ids) * (1 - validation_fraction))
    if len(ids) - cut < MINIMUM_VALIDATION:
        raise CorpusError(
            f"the held-out text has {len(ids) - cut} characters; at least {MINIMUM_VALIDATION} "
            "are needed: raise validation_fraction"
        )
    return Split(ids=ids, cut=cut)
