"""Validation loss, with the state carried through the text or by the lecture's windows."""

from collections.abc import Iterator
from itertools import pairwise

import keras
import numpy as np
import tensorflow as tf

from training.config import TrainingConfig
from training.corpus.split import Split
from training.network.model import zero_state
from training.network.unknown import mean_nats

# Streams read a little of what precedes them first, so that each starts with a warm state.
STREAMS = 32
WARMUP = 256
CHUNK = 256

WINDOWS = 8192  # at most, where each prediction costs a whole window


def validation_loss(model: keras.Model, config: TrainingConfig, text: Split) -> float:
    """Return nats per character over the held-out text, of a long one its first part.

    Read in order with the state carried: as parallel streams, each warmed up on the characters
    before it (`export` measures the frozen graph on one single stream; the two agree to the third
    digit). Where windows trained: the mean over windows spread evenly, each from the zero state.
    """
    return (_windowed_loss if config.window_stride else _streamed_loss)(model, config, text)


def _windowed_loss(model: keras.Model, config: TrainingConfig, text: Split) -> float:
    length, ids = config.sequence_length, text.validation
    windows = min(WINDOWS, len(ids) - length)
    starts = np.linspace(0, len(ids) - length - 1, windows, dtype=np.int64)[:, None]
    losses = []
    for rows in np.array_split(starts, -(-windows // CHUNK)):
        window = ids[rows + np.arange(length + 1)].astype(np.int32)
        state = zero_state(config, len(rows))
        loss, _ = _losses(model, window[:, :-1], window[:, 1:], state)
        losses.append(loss[:, -1].numpy())
    return mean_nats(np.concatenate(losses))


def _streamed_loss(model: keras.Model, config: TrainingConfig, text: Split) -> float:
    characters = min(len(text.validation), config.validation_characters)
    streams = max(1, min(STREAMS, characters // (4 * WARMUP)))
    stride = (characters - 1) // streams
    warmup = min(WARMUP, text.cut)
    starts = (text.cut + stride * np.arange(streams))[:, None]
    state = zero_state(config, streams)
    losses = []
    for begin, end in _chunks(-warmup, 0, stride):
        positions = starts + np.arange(begin, end)
        inputs, targets = (text.ids[at].astype(np.int32) for at in (positions, positions + 1))
        loss, state = _losses(model, inputs, targets, state)
        if begin >= 0:
            losses.append(loss.numpy())
    return mean_nats(np.concatenate(losses, axis=1))


def _chunks(*bounds: int) -> Iterator[tuple[int, int]]:
    """Cut each interval between two neighbouring bounds into pieces of at most CHUNK."""
    for first, last in pairwise(bounds):
        for begin in range(first, last, CHUNK):
            yield begin, min(begin + CHUNK, last)


@tf.function(reduce_retracing=True)
def _losses(
    model: keras.Model, inputs: tf.Tensor, targets: tf.Tensor, state: list[tf.Tensor]
) -> tuple[tf.Tensor, list[tf.Tensor]]:
    logits, *state = model([inputs, *state], training=False)
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=targets, logits=logits)
    return losses, [tf.cast(part, tf.float32) for part in state]
