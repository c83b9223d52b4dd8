"""Ids, kept once; batches are views of parallel streams through the text."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.config import TrainingConfig
from training.errors import CorpusError

Ids = NDArray[np.integer[Any]]  # of a text: the smallest type that holds them
Batch = NDArray[np.int32]

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


@dataclass(frozen=True)
class StreamBatches:
    """Batches for truncated back-propagation through time with carried state.

    The text is read as `batch_size` parallel streams; row b of batch k+1 goes on where row b of
    batch k ended, so the LSTM state can be carried from one batch to the next. Each epoch starts
    the streams at another offset (the text is taken as a ring), so windows differ between epochs.
    An epoch of more than `max_steps` batches ends there; the next one reads other parts.
    """

    ids: Ids
    batch_size: int
    sequence_length: int
    max_steps: int | None = None

    def __post_init__(self) -> None:
        if len(self) < 1:
            need = self.batch_size * self.sequence_length
            raise CorpusError(
                f"the training text has {len(self.ids)} characters but one batch takes {need}: "
                "lower batch_size or sequence_length"
            )

    def __len__(self) -> int:
        whole = len(self.ids) // (self.batch_size * self.sequence_length)
        return whole if self.max_steps is None else min(whole, self.max_steps)

    def epoch(self, offset: int) -> Iterator[tuple[Batch, Batch]]:
        """Yield `len(self)` pairs of inputs and targets, each [batch_size, sequence_length]."""
        stride = len(self.ids) // self.batch_size
        starts = (offset + stride * np.arange(self.batch_size))[:, None]
        for batch in range(len(self)):
            first = starts + batch * self.sequence_length
            positions = (first + np.arange(self.sequence_length + 1)) % len(self.ids)
            window = self.ids[positions].astype(np.int32)
            yield window[:, :-1], window[:, 1:]


def training_batches(text: Split, config: TrainingConfig) -> StreamBatches:
    """Return the batches that a configuration asks for.

    Raises:
        CorpusError: the text is too short for one.
    """
    return StreamBatches(
        text.train, config.batch_size, config.sequence_length, config.max_steps_per_epoch
    )
