"""The parity check: whether the exported graphs compute what the trained Keras model computes."""

from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from model_store import contents
from training.config import TrainingConfig
from training.corpus.split import Split
from training.errors import ParityError
from training.frozen.int8 import exact_fingerprint, int8_loss
from training.frozen.runtime import Ids, stream_logits, stream_loss
from training.interrupts import deferred
from training.network.model import zero_state

LOGIT_CHARACTERS = 500
MAX_LOGIT_ERROR = 1e-3


@dataclass(frozen=True)
class Parity:
    """The measurements of exported graphs by metric, and the fingerprint of the int8 graph, if there is one."""

    metrics: dict[str, float]
    fingerprint: str | None


def check_parity(model: keras.Model, config: TrainingConfig, text: Split, folder: Path) -> Parity:
    """Compare the exported graphs on held-out text and return the measurements.

    Losses are nats per character over the first `validation_characters` of the held-out text, read
    in order as one stream with the state carried.

    Raises:
        ParityError: a graph differs from its reference by more than the limit.
    """
    ids = text.validation[: config.validation_characters].astype(np.int64)
    logit_error = _logit_error(model, config, ids[:LOGIT_CHARACTERS], folder / contents.FP32_GRAPH)
    if not logit_error <= MAX_LOGIT_ERROR:  # `not <=` instead of `>`, so that NaN fails
        raise ParityError(
            f"the fp32 graph's logits stray by {logit_error:.2g} from Keras "
            f"(allowed: {MAX_LOGIT_ERROR}); nothing was published"
        )
    fp32 = stream_loss(folder / contents.FP32_GRAPH, ids, "measuring the fp32 graph")
    metrics = {"fp32_nats": fp32, "logit_error": logit_error}
    int8 = folder / contents.INT8_GRAPH
    if not int8.exists():
        return Parity(metrics, None)
    fingerprint = exact_fingerprint(int8)
    return Parity(metrics | {"int8_nats": int8_loss(int8, ids, fp32)}, fingerprint)


@deferred()
def _logit_error(model: keras.Model, config: TrainingConfig, ids: Ids, graph: Path) -> float:
    """Return the largest difference between the logits of a step graph and of Keras over ids [N]."""
    inputs = tf.constant(ids[None, :], tf.int32)  # a batch of one row, [1, N]
    # A traced graph: eagerly, every time step would go through Python.
    reference = tf.function(model)([inputs, *zero_state(config, 1)])[0].numpy()[0]  # [N, V]
    return float(np.abs(stream_logits(graph, ids) - reference).max())
