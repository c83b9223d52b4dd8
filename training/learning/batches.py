"""Batches of inputs and targets: parallel streams through the text, or the lecture's windows."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from training.config import TrainingConfig
from training.corpus.split import Ids
from training.errors import CorpusError

Batch = NDArray[np.int32]

SHUFFLED = 8192  # batches of windows at once: those of a text of many GB do not fit in memory


@dataclass(frozen=True)
class Batches(ABC):
    """A text cut into batches."""

    ids: Ids
    batch_size: int
    sequence_length: int
    max_steps: int | None = None

    def __len__(self) -> int:
        """Return the batches of an epoch; an epoch of a long text is a part of it."""
        return self.whole if self.max_steps is None else min(self.whole, self.max_steps)

    @property
    @abstractmethod
    def whole(self) -> int:
        """The batches of the whole text."""

    @property
    @abstractmethod
    def predicted(self) -> int:
        """The characters that one batch predicts."""

    @abstractmethod
    def epoch(self, draw: int) -> Iterator[tuple[Batch, Batch]]:
        """Yield inputs [batch_size, sequence_length] and the targets of their last places.

        The epoch's random number `draw` makes it another one.
        """


def batches_of(ids: Ids, config: TrainingConfig) -> Batches:
    """Return the batches that the configuration asks for.

    Raises:
        CorpusError: the text is too short for one.
    """
    sizes = ids, config.batch_size, config.sequence_length, config.max_steps_per_epoch
    if config.window_stride:
        return WindowBatches(*sizes, config.window_stride)
    return StreamBatches(*sizes)


@dataclass(frozen=True)
class StreamBatches(Batches):
    """Batches for truncated back-propagation through time with carried state.

    The text is read as `batch_size` parallel streams; row b of batch k+1 goes on where row b of
    batch k ended, so the LSTM state can be carried from one batch to the next. Each epoch starts
    the streams at another place (the text is taken as a ring), so windows differ between epochs.
    """

    def __post_init__(self) -> None:
        if len(self) < 1:
            need = self.batch_size * self.sequence_length
            raise _too_short(self.ids, need)

    @property
    def whole(self) -> int:
        """As many as the text fills."""
        return len(self.ids) // (self.batch_size * self.sequence_length)

    @property
    def predicted(self) -> int:
        """Every place of every row."""
        return self.batch_size * self.sequence_length

    def epoch(self, draw: int) -> Iterator[tuple[Batch, Batch]]:
        """Begin the streams at place `draw`; every place of every row has a target."""
        stride = len(self.ids) // self.batch_size
        starts = (draw + stride * np.arange(self.batch_size))[:, None]
        for batch in range(len(self)):
            first = starts + batch * self.sequence_length
            positions = (first + np.arange(self.sequence_length + 1)) % len(self.ids)
            window = self.ids[positions].astype(np.int32)
            yield window[:, :-1], window[:, 1:]


@dataclass(frozen=True)
class WindowBatches(Batches):
    """Windows of the text in random order, each of which predicts one character.

    They begin `stride` characters apart, and each is read from the zero state. That is how the
    lecture trained; every prediction costs a whole window.
    """

    stride: int = 1

    def __post_init__(self) -> None:
        if len(self) < 1:
            raise _too_short(self.ids, self.sequence_length + self.stride * self.batch_size)

    @property
    def whole(self) -> int:
        """As many as the windows fill."""
        return max(0, len(self.ids) - self.sequence_length) // self.stride // self.batch_size

    @property
    def predicted(self) -> int:
        """One for each window."""
        return self.batch_size

    def epoch(self, draw: int) -> Iterator[tuple[Batch, Batch]]:
        """Shuffle the windows by `draw`; the last place of each has a target, [batch_size, 1]."""
        for rows in islice(self._shuffled(np.random.default_rng(draw)), len(self)):
            starts = self.stride * rows[:, None]
            window = self.ids[starts + np.arange(self.sequence_length + 1)].astype(np.int32)
            yield window[:, :-1], window[:, -1:]

    def _shuffled(self, generator: np.random.Generator) -> Iterator[NDArray[np.int64]]:
        """Yield the windows of each batch: parts of the text in random order, each shuffled."""
        for part in generator.permutation(-(-self.whole // SHUFFLED)):
            first, last = part * SHUFFLED, min((part + 1) * SHUFFLED, self.whole)
            windows = np.arange(first * self.batch_size, last * self.batch_size)
            yield from generator.permutation(windows).reshape(-1, self.batch_size)


def _too_short(ids: Ids, needed: int) -> CorpusError:
    return CorpusError(
        f"the training text has {len(ids)} characters but one batch takes {needed}: "
        "lower batch_size or sequence_length"
    )
