"""The text of the race, its batches, and the rows that measure a network in two ways.

NumPy alone, since the peers' environment has no TensorFlow.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int64]

HELD_OUT = 0.1  # the share of the text, at its end
WARM_UP = 256  # characters before a stream, which are read and not counted
STREAMS = 128
WINDOW = 64  # characters of a cold window, the context of nanoGPT's recipe for processors
WINDOWS = 1024


@dataclass(frozen=True)
class Text:
    """A text as ids, whose last tenth is held out."""

    ids: Ids
    symbols: int

    @classmethod
    def read(cls, file: Path) -> "Text":
        """Read a file; the ids are the places of its characters in code point order."""
        symbols, ids = np.unique(list(file.read_text(encoding="utf-8")), return_inverse=True)
        return cls(ids, len(symbols))

    @property
    def cut(self) -> int:
        """The place of the first held-out character."""
        return int(len(self.ids) * (1 - HELD_OUT))

    def streams(self, rows: int, length: int) -> Iterator[tuple[Ids, Ids]]:
        """Yield inputs and targets [rows, length], each row where the row before ended, for ever."""
        starts = self.cut // rows * np.arange(rows)[:, None]
        place = 0
        while True:
            window = self.ids[(starts + place + np.arange(length + 1)) % self.cut]
            yield window[:, :-1], window[:, 1:]
            place += length

    def anywhere(self, rows: int, length: int, rng: np.random.Generator) -> Iterator[Any]:
        """Yield inputs and targets [rows, length] from random places, for ever."""
        while True:
            starts = rng.integers(self.cut - length, size=(rows, 1))
            window = self.ids[starts + np.arange(length + 1)]
            yield window[:, :-1], window[:, 1:]

    def whole(self, context: int | None) -> tuple[Ids, int]:
        """Return rows that cover the held-out text once, and the number of leading losses to leave out.

        A network without a limit reads STREAMS streams, each warmed up. A network of a limited context reads
        windows of that context, which overlap by half, so that each character has half a context.
        """
        if context is None:
            stride, skip = (len(self.ids) - self.cut) // STREAMS, WARM_UP
        else:
            stride = skip = context // 2
        starts = np.arange(self.cut, len(self.ids) - stride + 1, stride)[:, None]
        return self.ids[starts + np.arange(-skip, stride)], skip - 1

    def windows(self) -> tuple[Ids, int]:
        """Return cold windows at equal distances over the held-out text, every loss of which counts."""
        starts = np.linspace(self.cut, len(self.ids) - WINDOW - 1, WINDOWS, dtype=np.int64)
        return self.ids[starts[:, None] + np.arange(WINDOW + 1)], 0
