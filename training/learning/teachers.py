"""Teachers: published versions that read a text, and that write one themselves."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from model_store import Vocabulary
from training.bar import track
from training.config import TrainingConfig
from training.corpus.split import Ids, Split
from training.frozen.start import Start
from training.frozen.weights import load_weights
from training.interrupts import deferred
from training.learning.evaluate import POSITIONS, WARMUP
from training.network.model import build_model, resolve_policy, zero_state

Read = Callable[[NDArray[np.int32]], NDArray[np.float32]]  # ids [B, T] → probabilities [B, T, V]

WRITERS = 256  # streams that are written side by side, at most


def reading(teachers: Sequence[Start], text: Split, vocabulary: Vocabulary) -> Read:
    """Return a function that reads on with a carried state, and gives the teachers' mean probabilities."""
    readers = [_reader(teacher, text, vocabulary) for teacher in teachers]
    return lambda ids: np.mean([read(ids) for read in readers], axis=0)


def written(read: Read, config: TrainingConfig, text: Split) -> Ids:
    """Return ids [N] that the teachers write in parallel streams, each drawn at temperature 1.

    Each stream goes on from another place of the training part; in a corpus of many short texts, each begins
    a text.
    """
    rng = np.random.default_rng([config.random_seed, 1])
    streams = min(WRITERS, config.teacher_text)
    length = -(-config.teacher_text // streams)  # rounded up
    if text.text_end is None:
        starts = rng.integers(len(text.train), size=(streams, 1))
        before = text.train[(starts + np.arange(WARMUP)) % len(text.train)].astype(np.int32)
    else:
        before = np.full((streams, 1), text.text_end, np.int32)
    rows = np.empty((streams, length), np.int32)
    rows[:, 0] = before[:, -1]
    pieces = np.array_split(before, -(-before.size // POSITIONS), axis=1)
    *_, after = (read(piece)[:, -1] for piece in pieces)
    for step in track("writing with the teachers", range(1, length), length - 1):
        rows[:, step] = _drawn(after, rng)
        after = read(rows[:, step : step + 1])[:, 0]
    return rows.ravel()[: config.teacher_text].astype(text.ids.dtype)


def _drawn(probabilities: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.int64]:
    """Draw one id from each row of probabilities [B, V]."""
    heights = probabilities.cumsum(axis=1, dtype=np.float64)
    drawn: NDArray[np.int64] = (heights > heights[:, -1:] * rng.random((len(heights), 1))).argmax(1)
    return drawn


@deferred()
def _reader(teacher: Start, text: Split, vocabulary: Vocabulary) -> Read:
    """Return a function that reads on with a carried state: ids [B, T] → probabilities [B, T, V]."""
    weights = teacher.weights()
    assert weights is not None
    config = TrainingConfig.model_validate(teacher.settled)
    policy = resolve_policy(config.precision)
    model = build_model(config, len(vocabulary), policy, vocabulary.unknown_id, text.text_end)
    load_weights(model, weights)
    state: list[Any] = []
    parts = [tf.TensorSpec((None, config.units)) for _ in zero_state(config, 1)]

    @tf.function(input_signature=[tf.TensorSpec((None, None), tf.int32), parts])
    def step(ids: tf.Tensor, before: list[tf.Tensor]) -> tuple[tf.Tensor, list[tf.Tensor]]:
        logits, *after = model([ids, *before], training=False)
        return tf.nn.softmax(logits), [tf.cast(part, tf.float32) for part in after]

    step.get_concrete_function()  # TensorFlow warns where calls trace function after function

    def read(ids: NDArray[np.int32]) -> NDArray[np.float32]:
        probabilities, state[:] = step(tf.constant(ids), state or zero_state(config, len(ids)))
        found: NDArray[np.float32] = probabilities.numpy()
        return found

    return read
