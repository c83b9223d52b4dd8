"""Batches of inputs and targets: parallel streams through the text, or the lecture's windows."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from training.config import TrainingConfig
from training.corpus.split import Ids, Split
from training.errors import CorpusError

Batch = NDArray[np.int32]
Targets = NDArray[Any]  # [N] ids of the text, or [N, V] distributions over the symbols

SHUFFLED = 8192  # batches that are shuffled together: all windows of many GB do not fit into memory


@dataclass(frozen=True)
class Batches(ABC):
    """A text cut into batches.

    The targets are the text's own ids, unless `soft` has a distribution for each character of the text.
    """

    ids: Ids
    batch_size: int
    sequence_length: int
    max_steps: int | None = None
    soft: Targets | None = field(default=None, kw_only=True)

    def towards(self, ids: Ids, soft: Targets) -> Self:
        """Return batches of ids [N] with distributions [N, V] as targets."""
        return replace(self, ids=ids, soft=soft)

    def __len__(self) -> int:
        """Return the number of batches of an epoch, at most `max_steps`."""
        return self.whole if self.max_steps is None else min(self.whole, self.max_steps)

    @property
    @abstractmethod
    def whole(self) -> int:
        """The number of batches of the whole text."""

    @property
    @abstractmethod
    def predicted(self) -> int:
        """The number of characters that one batch predicts."""

    @abstractmethod
    def epoch(self, draw: int) -> Iterator[tuple[Batch, Targets]]:
        """Yield inputs [B, T] and the targets [B, S] or [B, S, V] of their last S positions.

        B is `batch_size`, T is `sequence_length`, and S ≤ T depends on the kind of batches. `draw` is
        the random number of the epoch, below the length of the text.
        """

    def _at(self, positions: NDArray[Any], predicted: int) -> tuple[Batch, Targets]:
        """Return the inputs at positions [B, T + 1] without the last, and the targets at the last ones."""
        inputs = self.ids[positions[:, :-1]].astype(np.int32)
        after = positions[:, -predicted:]
        return inputs, self.ids[after].astype(np.int32) if self.soft is None else self.soft[after]


def batches_of(text: Split, config: TrainingConfig) -> Batches:
    """Return the batches of the training part that the configuration asks for.

    Raises:
        CorpusError: the training part is too short for one batch.
    """
    sizes = text.train, config.batch_size, config.sequence_length, config.max_steps_per_epoch
    if config.window_stride:
        return WindowBatches(*sizes, config.window_stride)
    if text.text_end is not None:
        return TextBatches(*sizes, text.text_end)
    return StreamBatches(*sizes)


@dataclass(frozen=True)
class StreamBatches(Batches):
    """Batches for truncated back-propagation through time with carried state.

    The text is read as `batch_size` parallel streams; row b of batch k+1 goes on where row b of
    batch k ended, so that the state can be carried from one batch to the next. Each epoch starts
    the streams at another position of the text, read as a ring, so that batches differ between epochs.
    """

    def __post_init__(self) -> None:
        if len(self) < 1:
            need = self.batch_size * self.sequence_length
            raise _too_short(self.ids, need)

    @property
    def whole(self) -> int:
        """The number of batches that the text fills."""
        return len(self.ids) // (self.batch_size * self.sequence_length)

    @property
    def predicted(self) -> int:
        """Every position of every row."""
        return self.batch_size * self.sequence_length

    def epoch(self, draw: int) -> Iterator[tuple[Batch, Targets]]:
        """Start the first stream at position `draw`; every position has a target, S = T."""
        stride = len(self.ids) // self.batch_size
        starts = (draw + stride * np.arange(self.batch_size))[:, None]  # [B, 1]
        for batch in range(len(self)):
            first = starts + batch * self.sequence_length
            # [B, 1] + [T + 1] → [B, T + 1]: a row holds the inputs and one more target.
            positions = (first + np.arange(self.sequence_length + 1)) % len(self.ids)
            yield self._at(positions, self.sequence_length)


@dataclass(frozen=True)
class TextBatches(StreamBatches):
    """Streams through many short texts, in another random order in each epoch.

    The id `text_end` begins each text. Every stream begins with a text.
    """

    text_end: int = 0

    def epoch(self, draw: int) -> Iterator[tuple[Batch, Targets]]:
        """Read the texts in the random order of `draw`, as a ring; every position has a target, S = T."""
        begins = np.flatnonzero(self.ids == self.text_end)  # [texts]
        sizes = np.diff(begins, append=len(self.ids))
        order = np.random.default_rng(draw).permutation(len(begins))
        begins, sizes = begins[order], sizes[order]
        ends = np.cumsum(sizes)  # of the texts in their new order
        bounds = np.append(0, ends)  # the end of the last text is the beginning of the ring
        streams = len(self.ids) // self.batch_size * np.arange(self.batch_size)
        starts = bounds[np.searchsorted(bounds, streams)][:, None]  # [B, 1], each at a bound
        for batch in range(len(self)):
            first = starts + batch * self.sequence_length
            positions = (first + np.arange(self.sequence_length + 1)) % len(self.ids)  # [B, T + 1]
            texts = np.searchsorted(ends, positions, side="right")
            places = begins[texts] + positions - (ends - sizes)[texts]
            yield self._at(places, self.sequence_length)


@dataclass(frozen=True)
class WindowBatches(Batches):
    """Windows of the text in random order, each of which predicts one character.

    Windows begin `stride` characters apart and are read from the zero state, as in the lecture. Every
    prediction costs a whole window.
    """

    stride: int = 1

    def __post_init__(self) -> None:
        if len(self) < 1:
            raise _too_short(self.ids, self.sequence_length + self.stride * self.batch_size)

    @property
    def whole(self) -> int:
        """The number of batches that the windows fill."""
        return max(0, len(self.ids) - self.sequence_length) // self.stride // self.batch_size

    @property
    def predicted(self) -> int:
        """One character for each window."""
        return self.batch_size

    def epoch(self, draw: int) -> Iterator[tuple[Batch, Targets]]:
        """Yield the windows in the random order of `draw`; the last position has a target, S = 1."""
        for numbers in islice(self._shuffled(np.random.default_rng(draw)), len(self)):
            starts = self.stride * numbers[:, None]  # [B, 1]; plus [T + 1] gives [B, T + 1]
            yield self._at(starts + np.arange(self.sequence_length + 1), 1)

    def _shuffled(self, generator: np.random.Generator) -> Iterator[NDArray[np.int64]]:
        """Yield the numbers [B] of each batch's windows: shuffled parts of the text in random order."""
        parts = -(-self.whole // SHUFFLED)  # rounded up
        for part in generator.permutation(parts):
            first, last = part * SHUFFLED, min((part + 1) * SHUFFLED, self.whole)
            windows = np.arange(first * self.batch_size, last * self.batch_size)
            yield from generator.permutation(windows).reshape(-1, self.batch_size)


def _too_short(ids: Ids, needed: int) -> CorpusError:
    return CorpusError(
        f"the training text has {len(ids)} characters but one batch takes {needed}: "
        "lower batch_size or sequence_length"
    )
