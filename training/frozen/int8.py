"""The checks that an int8 graph passes before publication: exact products, and a loss near fp32's."""

from pathlib import Path

import onnx
import onnxruntime as ort

from training.errors import Int8Error
from training.frozen.integers import with_exact_products
from training.frozen.runtime import Ids, fingerprint_of, stream_loss

MAX_INT8_LOSS = 0.002  # nats per character


def exact_fingerprint(graph: Path) -> str:
    """Return the fingerprint of an int8 graph, after a comparison with exact integer arithmetic.

    Raises:
        Int8Error: the integer products of this processor are not exact.
    """
    computed = fingerprint_of(graph)
    if computed != fingerprint_of(with_exact_products(onnx.load(graph)).SerializeToString()):
        raise Int8Error(
            f"ONNX Runtime {ort.__version__} multiplies integers wrongly on this processor: "
            "the int8 graph differs from exact integer arithmetic, as when 16-bit sums saturate; "
            "nothing was published. Try another version of onnxruntime, or another machine, or publish the "
            "fp32 graph alone"
        )
    return computed


def int8_loss(graph: Path, ids: Ids, fp32: float) -> float:
    """Return the loss of an int8 graph over ids [N], given the loss `fp32` of the fp32 graph.

    Both losses are in nats per character.

    Raises:
        Int8Error: the int8 loss is more than MAX_INT8_LOSS above the fp32 loss.
    """
    int8 = stream_loss(graph, ids, "measuring the int8 graph")
    if not int8 - fp32 <= MAX_INT8_LOSS:  # `not <=` instead of `>`, so that NaN fails
        raise Int8Error(
            f"the int8 graph costs {int8 - fp32:.4f} nats per character more than fp32 "
            f"(allowed: {MAX_INT8_LOSS}); nothing was published. Train again with --fresh and more "
            "weight_decay, for example --set weight_decay=0.1, or publish the fp32 graph alone"
        )
    return int8
