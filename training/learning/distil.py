"""Distillation: a network learns the probabilities of published versions beside the characters themselves.

A distribution tells more about a place of a text than the one character that stands there (Hinton, Vinyals
and Dean, 2015, https://arxiv.org/abs/1503.02531). Several teachers are an ensemble: the mean of their
probabilities counts. Teachers know the training text by heart, so that their probabilities there say little;
where they write themselves they are about as unsure as on a text never seen.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from model_store import Vocabulary
from training.bar import track
from training.config import TrainingConfig
from training.corpus.split import Ids, Split
from training.frozen.start import Start
from training.learning.batches import Batches
from training.learning.evaluate import CHUNK, STREAMS, WARMUP
from training.learning.run import TARGETS, WRITTEN
from training.learning.teachers import Read, reading, written
from training.sealed import is_sealed, seal

Lessons = TypeVar("Lessons", bound=Batches)


def taught(
    batches: Lessons,
    teachers: Sequence[Start],
    config: TrainingConfig,
    text: Split,
    vocabulary: Vocabulary,
    folder: Path,
) -> Lessons:
    """Return batches of the text that the teachers write, `teacher_text` characters, and of the training part.

    Both and the targets are kept in files of the run's folder, and written if they are missing or damaged. The target
    of a written character is the teachers' mean probabilities after the characters before. The target of
    character i of the training part is (1 − share) · (1 for character i, else 0) + share · (the same mean).
    """

    def read() -> Read:
        return reading(teachers, text, vocabulary)

    def write(file: Path) -> None:
        (folder / TARGETS).unlink(missing_ok=True)  # they belong to the text that is missing
        np.save(file, written(read(), config, text))

    ids = text.train
    if config.teacher_text:
        ids = np.concatenate([_kept(folder / WRITTEN, write), ids])
    share = np.ones(len(ids), np.float32)
    share[config.teacher_text :] = config.teacher_share
    soft = _kept(
        folder / TARGETS, lambda file: _write_targets(file, read(), ids, share, len(vocabulary))
    )
    return batches.towards(ids, soft)


def _kept(file: Path, write: Callable[[Path], None]) -> NDArray[Any]:
    """Return the array of a file, which is written if it is missing or damaged."""
    if not is_sealed(file):
        unfinished = file.with_name(f".{file.name}")
        write(unfinished)
        seal(unfinished)
        unfinished.replace(file)
    array: NDArray[Any] = np.load(file, mmap_mode="r")
    return array


def _write_targets(
    file: Path, read: Read, ids: Ids, share: NDArray[np.float32], symbols: int
) -> None:
    """Write the targets [N, V] of a ring of ids [N]; `share` [N] is that of the teachers."""
    targets = open_memmap(file, "w+", np.float16, (len(ids), symbols))
    one_hot = np.eye(symbols, dtype=np.float32)
    along = _positions(len(ids))
    for positions in track("reading with the teachers", along, len(along)):
        soft = read(ids[positions].astype(np.int32))
        after = (positions + 1) % len(ids)
        theirs = share[after][..., None]
        targets[after] = (1 - theirs) * one_hot[ids[after]] + theirs * soft
    targets.flush()


def _positions(characters: int) -> list[NDArray[np.int64]]:
    """Return the positions [B, T] of parallel streams through a ring, piece by piece.

    Each stream first reads the end of the stream before, and writes over what a cold state made of that.
    """
    streams = max(1, min(STREAMS, characters // (4 * WARMUP)))
    stride = -(-characters // streams)  # rounded up: the last stream reads on into the first one
    starts = stride * np.arange(streams)[:, None]
    pieces = [
        np.arange(begin, min(begin + CHUNK, stride)) for begin in range(-WARMUP, stride, CHUNK)
    ]
    return [(starts + piece) % characters for piece in pieces]
