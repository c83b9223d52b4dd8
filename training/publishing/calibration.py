"""Calibration: one factor on all logits, so that the probabilities are as sure as they are right."""

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from training.bar import track
from training.config import TrainingConfig
from training.corpus.split import Split
from training.frozen.nodes import Floats
from training.frozen.runtime import Ids
from training.interrupts import deferred
from training.learning.evaluate import WARMUP, validation_loss
from training.network.model import zero_state
from training.network.unknown import LARGEST_LOSS
from training.publishing.metrics import FACTOR, UNCALIBRATED_NATS

PIECES = 10  # of the slice; the first pages of a held-out text are more like the training text
MOST = 1_000  # characters of a piece
SHARE = 10  # the slice is this part of the held-out text, if that is less
NEWTON_STEPS = 20
# Of a text that a network knows by heart there is no best factor.
LEAST_FACTOR, LARGEST_FACTOR = 0.5, 2.0


def calibrate(model: keras.Model, config: TrainingConfig, text: Split) -> dict[str, float]:
    """Multiply the output layer by the factor with the lowest loss over a slice of the held-out text.

    The slice is PIECES pieces, evenly spread over the held-out text: at most MOST characters each, and a
    tenth of the text. Returned are the factor, and the loss before over the same characters as
    `validation_nats`, in nats.
    """
    streamed = config.model_copy(update={"window_stride": 0})
    measures: tuple[Callable[[], float], ...] = (
        lambda: validation_loss(model, streamed, text),
        lambda: best_factor(*_slice(model, config, text)),
    )
    along = track("calibrating", measures, len(measures))
    before, factor = (measure() for measure in along)
    output = model.get_layer("logits")
    output.set_weights([np.float32(factor) * weight for weight in output.get_weights()])
    return {FACTOR: factor, UNCALIBRATED_NATS: before}


@deferred()
def _slice(model: keras.Model, config: TrainingConfig, text: Split) -> tuple[Floats, Ids]:
    """Return the logits [N, V] and the targets [N] of the slice; the characters before a piece warm up."""
    characters = len(text.validation)
    length = min(MOST, max(1, characters // (PIECES * SHARE)))
    warmup = min(WARMUP, text.cut)
    starts = text.cut + characters // PIECES * np.arange(PIECES)
    positions = starts[:, None] + np.arange(-warmup, length)  # [PIECES, warmup + length]
    inputs = tf.constant(text.ids[positions], tf.int32)
    # A traced graph: eagerly, every time step would go through Python.
    logits = tf.function(model)([inputs, *zero_state(config, PIECES)])[0].numpy()[:, warmup:]
    targets = text.ids[positions[:, warmup:] + 1].astype(np.int64)
    return logits.reshape(-1, logits.shape[-1]), targets.ravel()


def best_factor(logits: Floats, targets: Ids) -> float:
    """Return the factor on logits [N, V] with the lowest mean loss of targets [N].

    Newton's method on the loss, which is convex in the factor f: with p = softmax(f·z), the derivatives
    are E_p[z] − z[target] and Var_p[z] (Guo et al., 2017, https://arxiv.org/abs/1706.04599, call 1 / f
    the temperature).
    """
    z = logits.astype(np.float64) - logits.max(axis=1, keepdims=True)
    chosen = np.take_along_axis(z, targets[:, None], axis=1)[:, 0]
    known = chosen > -LARGEST_LOSS  # the unknown symbol is never predicted, and never counted
    z, chosen, factor = z[known], chosen[known], 1.0
    for _ in range(NEWTON_STEPS):
        p = np.exp(factor * z)
        p /= p.sum(axis=1, keepdims=True)
        mean = (p * z).sum(axis=1)
        variance = (p * z**2).sum(axis=1) - mean**2
        step = (chosen - mean).mean() / max(variance.mean(), 1e-9)
        factor = float(np.clip(factor + step, LEAST_FACTOR, LARGEST_FACTOR))
    return factor
