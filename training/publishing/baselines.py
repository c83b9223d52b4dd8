"""Baselines: the losses of an n-gram model and of compressors over the same text."""

import lzma
import math
from collections.abc import Callable

import numpy as np
import zstandard
from numpy.typing import NDArray

from model_store import Vocabulary
from training.bar import track
from training.corpus.split import Split

ORDER = 5
BASELINES = ("uniform", f"{ORDER}-gram", "xz", "zstd")
TRAINING_CHARACTERS = 10_000_000  # of a longer training part, the end beside the held-out part

Ids = NDArray[np.int64]
Floats = NDArray[np.float64]


def baselines(text: Split, vocabulary: Vocabulary, characters: int) -> dict[str, float]:
    """Return the loss of each baseline over the first `characters` of the held-out text.

    Losses are nats per character. The loss of a compressor is the growth of its output when the
    held-out text follows the training text. Unknown symbols are left out, as in every loss.
    """
    unknown = vocabulary.unknown_id
    symbols = len(vocabulary) - (unknown is not None)
    parts = text.train[-TRAINING_CHARACTERS:], text.validation[:characters]
    train, held_out = (ids[ids != unknown].astype(np.int64) for ids in parts)
    known, new = (vocabulary.decode(ids).encode() for ids in (train, held_out))
    measures: tuple[Callable[[], float], ...] = (
        lambda: math.log(symbols),
        lambda: ngram_nats(train, held_out, symbols),
        lambda: _compressed_nats(_xz, known, new, len(held_out)),
        lambda: _compressed_nats(_zstd, known, new, len(held_out)),
    )
    along = track("measuring the baselines", measures, len(measures))
    return dict(zip(BASELINES, (measure() for measure in along), strict=True))


def ngram_nats(train: Ids, held_out: Ids, symbols: int) -> float:
    """Return nats per character of an interpolated n-gram model with Witten-Bell smoothing.

    P(c | h) = (n(h c) + t(h) P(c | h')) / (n(h) + t(h)), where t(h) is the number of different
    characters seen after h, and h' is h without its first character (Witten and Bell, 1991; in the
    form of Chen and Goodman, 1998, https://dash.harvard.edu/handle/1/25104739).
    """
    text = np.concatenate([train, held_out])
    contexts = np.zeros(len(text), np.int64)  # the number of the context before each position
    probability = np.full(len(held_out), 1 / symbols)
    base = int(text.max()) + 1
    # From short contexts to long ones, since P(c | h) builds on P(c | h').
    for order in range(1, min(ORDER, len(train)) + 1):
        # A gram is a context and the character after it; grams of order n end at positions from n − 1.
        numbered = contexts * base + text[order - 1 :]
        grams, counts = np.unique(numbered[: len(train) - order + 1], return_counts=True)
        asked = numbered[len(train) - order + 1 :]
        starts, first, followers = np.unique(grams // base, return_index=True, return_counts=True)
        totals = np.add.reduceat(counts, first)
        seen = _looked_up(asked, grams, counts)
        total, types = (_looked_up(asked // base, starts, n) for n in (totals, followers))
        mixed = (seen + types * probability) / np.maximum(total + types, 1)
        probability = np.where(total > 0, mixed, probability)
        # Renumbered without gaps, since five ids of a large vocabulary would overflow an integer. The
        # last gram is the context of no character.
        contexts = np.unique(numbered, return_inverse=True)[1][:-1]
    return float(-np.log(probability).mean())


def _looked_up(keys: Ids, known: Ids, values: Ids) -> Floats:
    """Return the value of each key; 0 for a key that is not among the sorted known keys."""
    indices = np.minimum(np.searchsorted(known, keys), len(known) - 1)
    return np.where(known[indices] == keys, values[indices], 0).astype(np.float64)


def _compressed_nats(
    compress: Callable[[bytes], bytes], known: bytes, new: bytes, characters: int
) -> float:
    """Return the bytes that new text adds to compressed known text, as nats per character."""
    added = len(compress(known + new)) - len(compress(known))
    return 8 * added / characters * math.log(2)


def _xz(data: bytes) -> bytes:
    return lzma.compress(data, preset=9 | lzma.PRESET_EXTREME)


def _zstd(data: bytes) -> bytes:
    level = zstandard.ZstdCompressionParameters.from_level(22, window_log=27, enable_ldm=True)
    return zstandard.ZstdCompressor(compression_params=level).compress(data)
