"""The validation loss, over parallel streams through the text or over the lecture's windows."""

from collections.abc import Iterator
from itertools import pairwise

import keras
import numpy as np
import tensorflow as tf

from training.config import TrainingConfig
from training.corpus.split import Split
from training.interrupts import deferred
from training.network.model import zero_state
from training.network.unknown import mean_nats

STREAMS = 32  # at most
WARMUP = 256  # characters before a stream that warm up the state
CHUNK = 256  # characters of a stream that are read at once
POSITIONS = STREAMS * CHUNK  # read at once at most: TensorFlow keeps the memory of its largest call

WINDOWS = 8192  # at most, since each prediction costs a whole window


def validation_loss(model: keras.Model, config: TrainingConfig, text: Split) -> float:
    """Return nats per character over the held-out text.

    The first `validation_characters` are read in parallel streams with the state carried; the
    characters before a stream warm up its state. The parity check reads one stream instead; both
    losses agree to the third digit.

    A model trained on windows is measured on at most WINDOWS windows, spread evenly over the held-out
    text, each from the zero state.
    """
    return (_windowed_loss if config.window_stride else _streamed_loss)(model, config, text)


def _windowed_loss(model: keras.Model, config: TrainingConfig, text: Split) -> float:
    length, ids = config.sequence_length, text.validation
    windows = min(WINDOWS, len(ids) - length)
    starts = np.linspace(0, len(ids) - length - 1, windows, dtype=np.int64)[:, None]
    at_once = max(1, POSITIONS // length)
    losses = []
    for rows in np.array_split(starts, -(-windows // at_once)):
        # [N, 1] + [T + 1] → [N, T + 1]: a window and the character after it.
        window = ids[rows + np.arange(length + 1)].astype(np.int32)
        state = zero_state(config, len(rows))
        loss, _ = _losses(model, window[:, :-1], window[:, 1:], state)
        losses.append(loss[:, -1].numpy())  # of the last position alone, [N]
    return mean_nats(np.concatenate(losses))


def _streamed_loss(model: keras.Model, config: TrainingConfig, text: Split) -> float:
    characters = min(len(text.validation), config.validation_characters)
    streams = max(1, min(STREAMS, characters // (4 * WARMUP)))
    stride = (characters - 1) // streams
    warmup = min(WARMUP, text.cut)
    starts = (text.cut + stride * np.arange(streams))[:, None]  # [streams, 1]
    state = zero_state(config, streams)
    losses = []
    # In order, because each chunk starts from the state that the chunk before left.
    for begin, end in _chunks(-warmup, 0, stride):
        positions = starts + np.arange(begin, end)  # [streams, end − begin]
        inputs, targets = (text.ids[at].astype(np.int32) for at in (positions, positions + 1))
        loss, state = _losses(model, inputs, targets, state)
        if begin >= 0:  # the warm-up is not measured
            losses.append(loss.numpy())
    return mean_nats(np.concatenate(losses, axis=1))


def _chunks(*bounds: int) -> Iterator[tuple[int, int]]:
    """Cut each interval between two neighbouring bounds into pieces of at most CHUNK."""
    for first, last in pairwise(bounds):
        for begin in range(first, last, CHUNK):
            yield begin, min(begin + CHUNK, last)


@deferred()
@tf.function(reduce_retracing=True)
def _losses(
    model: keras.Model, inputs: tf.Tensor, targets: tf.Tensor, state: list[tf.Tensor]
) -> tuple[tf.Tensor, list[tf.Tensor]]:
    """Return the losses [B, T] of targets [B, T] and the state after inputs [B, T]."""
    logits, *state = model([inputs, *state], training=False)
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=targets, logits=logits)
    return losses, [tf.cast(part, tf.float32) for part in state]
