"""The texts of a training corpus as hashes: whether a text stands word for word in the corpus.

The file has one number of 8 bytes, little-endian, for each distinct text, in rising order, and no
header. The number of a text is BLAKE2b with a digest of 8 bytes over its UTF-8 in Unicode's form NFC.
A text that is not in the corpus is taken for one with a probability of N / 2⁶⁴ for N texts.
"""

import hashlib
import unicodedata
from array import array
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_HASH = np.dtype("<u8")


def text_hash(text: str) -> int:
    """Return the number of a text, below 2⁶⁴."""
    data = unicodedata.normalize("NFC", text).encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "little")


def write_known_texts(texts: Iterable[str], path: Path) -> None:
    """Write the hashes of texts; the memory is 16 bytes for each text."""
    hashes = np.frombuffer(array("Q", map(text_hash, texts)), np.uint64)
    np.unique(hashes).astype(_HASH).tofile(path)


class KnownTexts:
    """The hashes in a file, mapped into memory."""

    def __init__(self, path: Path) -> None:
        """Take a file that `write_known_texts` wrote."""
        empty = path.stat().st_size == 0  # which no system maps into memory
        self._hashes: NDArray[np.uint64] = (
            np.zeros(0, _HASH) if empty else np.memmap(path, _HASH, mode="r")
        )

    def __len__(self) -> int:
        """Return the number of distinct texts."""
        return len(self._hashes)

    def contains(self, text: str) -> bool:
        """Return whether a text, in any of Unicode's normal forms, is one of the texts."""
        wanted = np.uint64(text_hash(text))
        place = int(np.searchsorted(self._hashes, wanted))
        return place < len(self) and bool(self._hashes[place] == wanted)
