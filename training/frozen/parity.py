"""Whether the exported graphs compute what was trained, and the int8 graph what integers would."""

from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import onnx
import onnxruntime as ort
import tensorflow as tf

from model_store import contents
from training.config import TrainingConfig
from training.corpus.split import Split
from training.errors import ParityError
from training.frozen.integers import with_exact_products
from training.frozen.runtime import Ids, fingerprint_of, logits_along, stream_logits
from training.network.loss import mean_nats
from training.network.model import zero_state

LOGIT_CHARACTERS = 500
MAX_LOGIT_ERROR = 1e-3
MAX_INT8_LOSS = 0.002  # nats per character


@dataclass(frozen=True)
class Parity:
    """What was measured of exported graphs, and the int8 graph's fingerprint."""

    metrics: dict[str, float]
    fingerprint: str


def check_parity(model: keras.Model, config: TrainingConfig, text: Split, folder: Path) -> Parity:
    """Compare the exported graphs on held-out text and return the measurements.

    Losses are nats per character over the held-out text (its first `validation_characters`), read in
    order as one stream with the state carried.

    Raises:
        ParityError: a graph strays further from its reference than it may.
    """
    ids = text.validation[: config.validation_characters].astype(np.int64)
    logit_error = _logit_error(model, config, ids[:LOGIT_CHARACTERS], folder / contents.FP32_GRAPH)
    if not logit_error <= MAX_LOGIT_ERROR:
        raise ParityError(
            f"the fp32 graph's logits stray by {logit_error:.2g} from Keras "
            f"(allowed: {MAX_LOGIT_ERROR}); nothing was published"
        )
    fingerprint = exact_fingerprint(folder / contents.INT8_GRAPH)
    fp32 = stream_loss(folder / contents.FP32_GRAPH, ids)
    int8 = int8_loss(folder / contents.INT8_GRAPH, ids, fp32)
    metrics = {"fp32_nats": fp32, "int8_nats": int8, "logit_error": logit_error}
    return Parity(metrics, fingerprint)


def int8_loss(graph: Path, ids: Ids, fp32: float) -> float:
    """Return nats per character of an int8 graph over ids [N], given those of its fp32 graph.

    Raises:
        ParityError: the int8 graph costs more than MAX_INT8_LOSS.
    """
    int8 = stream_loss(graph, ids)
    if not int8 - fp32 <= MAX_INT8_LOSS:
        raise ParityError(
            f"the int8 graph costs {int8 - fp32:.4f} nats per character more than fp32 "
            f"(allowed: {MAX_INT8_LOSS}); nothing was published"
        )
    return int8


def exact_fingerprint(graph: Path) -> str:
    """Return the fingerprint of an int8 graph, which is also that of exact integer arithmetic.

    Raises:
        ParityError: this processor's integer products are not exact.
    """
    computed = fingerprint_of(graph)
    if computed != fingerprint_of(with_exact_products(onnx.load(graph)).SerializeToString()):
        raise ParityError(
            f"ONNX Runtime {ort.__version__} multiplies integers wrongly on this processor: "
            "the int8 graph differs from exact integer arithmetic, as when 16-bit sums saturate; "
            "nothing was published. Try another version of onnxruntime, or another machine"
        )
    return computed


def stream_loss(graph: Path, ids: Ids) -> float:
    """Return nats per character of a step graph over ids [N], one stream from the zero state."""
    losses = [
        np.logaddexp.reduce(logits.astype(np.float64)) - logits[target]
        for logits, target in zip(logits_along(graph, ids[:-1]), ids[1:], strict=True)
    ]
    return mean_nats(np.array(losses))


def _logit_error(model: keras.Model, config: TrainingConfig, ids: Ids, graph: Path) -> float:
    inputs = tf.constant(ids[None, :], tf.int32)
    reference = model([inputs, *zero_state(config, 1)])[0].numpy()[0]
    return float(np.abs(stream_logits(graph, ids) - reference).max())
