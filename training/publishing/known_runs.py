"""Runs of characters that stand word for word in a long text, found by their hashes."""

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from training.corpus.split import Ids

Hashes = NDArray[np.uint64]

CHUNK = 1 << 20  # positions of the long text whose hashes are in memory at once
BASE = 0x9E3779B97F4A7C15  # odd, and so invertible modulo 2⁶⁴
INVERSE = pow(BASE, -1, 2**64)
TABLE_BITS = 22


class KnownRuns:
    """A text [N] in which runs are looked up; memory and time are those of a few sums of a chunk."""

    def __init__(
        self, ids: Ids, symbols: int, advance: Callable[[int], None], chunk: int = CHUNK
    ) -> None:
        """Take a text, the size of its vocabulary, and what is told the number of positions read."""
        self._ids, self._advance, self._chunk = ids, advance, chunk
        self._values = np.random.default_rng(0).integers(2**64, size=symbols, dtype=np.uint64)
        self._begins = range(0, len(ids), chunk)

    def shares(self, rows: Ids, length: int) -> float:
        """Return the share of the runs of a length in rows [R, T] that stand in the text."""
        if rows.shape[1] < length:
            return 0.0
        hashes = self._hashes(rows, length)
        found = self._found(np.unique(hashes), length, self._begins)
        known = np.concatenate([np.zeros(0, np.uint64), *found.values()])
        return float(np.isin(hashes, known).mean())

    def longest(self, rows: Ids) -> int:
        """Return the length of the longest run in rows [R, T] that stands in the text."""
        known, below = 0, rows.shape[1] + 1
        begins: Iterable[int] = self._begins
        while below - known > 1:
            length = min(2 * known + 20, (known + below) // 2)
            found = self._found(np.unique(self._hashes(rows, length)), length, begins)
            if found:
                # A longer run stands where its beginning stands, so other chunks need no further look.
                known, begins = length, found
            else:
                below = length
        return known

    def _found(self, wanted: Hashes, length: int, begins: Iterable[int]) -> dict[int, Hashes]:
        """Return those of the sorted hashes that stand in chunks of the text, by the chunk's begin."""
        table = np.zeros(1 << TABLE_BITS, np.bool_)  # rules out nearly all positions at once
        shift = np.uint64(64 - TABLE_BITS)
        table[wanted >> shift] = True
        found = {}
        for begin in begins:
            chunk = self._ids[begin : begin + self._chunk + length - 1]
            self._advance(len(chunk))
            if len(chunk) >= length:
                hashes = self._hashes(chunk[None], length)[0]
                found[begin] = np.intersect1d(hashes[table[hashes >> shift]], wanted)
        return {begin: each for begin, each in found.items() if each.size}

    def _hashes(self, rows: Ids, length: int) -> Hashes:
        """Return the hash of each run in rows [R, T]: [R, T − length + 1].

        The hash is a polynomial in BASE modulo 2⁶⁴, computed as a difference of two sums (Karp and
        Rabin, 1987, https://doi.org/10.1147/rd.312.0249).
        """
        width = rows.shape[1]
        terms = self._values[rows] * _powers(BASE, width)
        sums = np.pad(np.cumsum(terms, axis=1), [(0, 0), (1, 0)])
        differences = sums[:, length:] - sums[:, :-length]
        hashes: Hashes = differences * _powers(INVERSE, width)[: width - length + 1]
        return hashes


def _powers(base: int, count: int) -> Hashes:
    """Return the powers of a base from 0 on, modulo 2⁶⁴: [count]."""
    factors = np.full(count, base, np.uint64)
    factors[:1] = 1
    return np.cumprod(factors)
