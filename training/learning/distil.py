"""Distillation: a network learns the probabilities of published versions beside the characters themselves.

A distribution tells more about a place of a text than the one character that stands there (Hinton, Vinyals
and Dean, 2015, https://arxiv.org/abs/1503.02531). Several teachers are an ensemble: the mean of their
probabilities counts.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from model_store import Vocabulary
from training.bar import track
from training.config import TrainingConfig
from training.corpus.split import Split
from training.frozen.start import Start
from training.frozen.weights import load_weights
from training.learning.evaluate import CHUNK, STREAMS, WARMUP
from training.network.model import build_model, resolve_policy, zero_state

Distributions = NDArray[np.float16]  # [N, V]
Read = Callable[[NDArray[np.int32]], NDArray[np.float32]]  # ids [B, T] → probabilities [B, T, V]


def soft_targets(
    teachers: Sequence[Start],
    share: float,
    text: Split,
    vocabulary: Vocabulary,
    file: Path,
) -> Distributions:
    """Return the targets of the training part [N, V] from a file, which is written if it is missing.

    Row i is (1 − share) · (1 for character i, else 0) + share · (the teachers' mean probabilities after
    the characters before i). The text is read as a ring.
    """
    if not file.exists():
        unfinished = file.with_name(f".{file.name}")
        readers = [_reader(each, text, vocabulary) for each in teachers]
        shape = (len(text.train), len(vocabulary))
        targets = open_memmap(unfinished, "w+", np.float16, shape)
        one_hot = np.eye(len(vocabulary), dtype=np.float32)
        along = _positions(len(text.train))
        for positions in track("reading with the teachers", along, len(along)):
            ids = text.train[positions].astype(np.int32)
            soft = np.mean([read(ids) for read in readers], axis=0)
            after = (positions + 1) % len(targets)
            targets[after] = (1 - share) * one_hot[text.train[after]] + share * soft
        targets.flush()
        unfinished.replace(file)
    whole: Distributions = np.load(file, mmap_mode="r")
    return whole


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


def _reader(teacher: Start, text: Split, vocabulary: Vocabulary) -> Read:
    """Return a function that reads on with a carried state: ids [B, T] → probabilities [B, T, V]."""
    weights = teacher.weights()
    assert weights is not None
    config = TrainingConfig.model_validate(teacher.settled)
    policy = resolve_policy(config.precision)
    model = build_model(config, len(vocabulary), policy, vocabulary.unknown_id, text.text_end)
    load_weights(model, weights)
    state: list[Any] = []

    @tf.function(reduce_retracing=True)
    def step(ids: tf.Tensor, before: list[tf.Tensor]) -> tuple[tf.Tensor, list[tf.Tensor]]:
        logits, *after = model([ids, *before], training=False)
        return tf.nn.softmax(logits), [tf.cast(part, tf.float32) for part in after]

    def read(ids: NDArray[np.int32]) -> NDArray[np.float32]:
        probabilities, state[:] = step(tf.constant(ids), state or zero_state(config, len(ids)))
        found: NDArray[np.float32] = probabilities.numpy()
        return found

    return read
