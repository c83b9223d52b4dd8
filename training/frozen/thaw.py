"""The weights of a published version, as the start of a fine-tuning.

A step graph holds the weights as constants, under the names of `graph.py` and `nodes.py`. Embedding,
kernel and bias of the first layer are folded into one table with a row for each character. Any factors
whose product is the table compute the same, and so the table is factorised anew.
"""

import numpy as np
import onnx
from onnx import numpy_helper

from model_store import Architecture, StoredModel, contents
from training.errors import TrainingError
from training.frozen.nodes import ACTIVATION_SCALE, Floats, scale_of, weight_of
from training.frozen.weights import Layer, Weights

Constants = dict[str, Floats]


def thaw(version: StoredModel) -> Weights:
    """Return the weights of a version's fp32 graph, or those of the int8 graph of a bundled version.

    Raises:
        TrainingError: another version of this job wrote the graph.
    """
    files = version.manifest.files
    path = version.file(
        contents.FP32_GRAPH if contents.FP32_GRAPH in files else contents.INT8_GRAPH
    )
    try:
        return _weights(onnx.load(path).graph, version.manifest.architecture)
    except (KeyError, ValueError):
        raise TrainingError(
            f"the weights of {version.manifest.name}@{version.manifest.version} cannot be read: "
            "it was made by another version of this job"
        ) from None


def _weights(graph: onnx.GraphProto, shape: Architecture) -> Weights:
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    # Layers count from 0, so that a layer of this number is one too many.
    if any(name.startswith(f"layer{shape.layers}_") for name in constants):
        raise ValueError("the graph has more layers than the manifest says")
    embedding, kernel, bias = _factors(constants["characters"], shape.embedding)
    first = Layer(kernel, _matrix(constants, "layer0"), bias)
    others = [_layer(constants, shape.cell, f"layer{n}") for n in range(1, shape.layers)]
    return Weights(
        cell=shape.cell,
        embedding=embedding,
        layers=[first, *others],
        output=_matrix(constants, "output"),
        output_bias=constants["output_bias"],
    )


def _layer(constants: Constants, cell: str, prefix: str) -> Layer:
    """Return a layer above the first, whose constants have the prefix."""
    recurrent = _matrix(constants, prefix)
    if cell == "gru":
        inputs = f"{prefix}_x"
        return Layer(_matrix(constants, inputs), recurrent, constants[f"{inputs}_bias"])
    kernel, recurrent = np.split(recurrent, 2)  # [2u, G·u]: one matrix holds kernel and recurrent
    return Layer(kernel, recurrent, constants[f"{prefix}_bias"])


def _matrix(constants: Constants, prefix: str) -> Floats:
    """Return the weight matrix of a product as floats [n, m], dequantised in an int8 graph."""
    name = weight_of(prefix)
    matrix = constants[name]
    if matrix.dtype == np.int8:
        # The column scale [m] is the scale of the weights times the scale of the activations.
        return matrix * (constants[scale_of(name)] / constants[ACTIVATION_SCALE])
    return matrix


def _factors(table: Floats, width: int) -> tuple[Floats, Floats, Floats]:
    """Return embedding [V, width], kernel [width, G·u] and bias [G·u] of a table [V, G·u].

    The table is embedding · kernel + bias. The bias is the mean of the rows; the rest has at most the
    rank `width`, and a singular value decomposition factorises it. Width 0 means a one-hot embedding.
    """
    bias = table.mean(axis=0)
    if width == 0:
        return np.eye(len(table), dtype=np.float32), table - bias, bias
    left, values, right = np.linalg.svd(table - bias, full_matrices=False)
    rank = min(width, len(values))
    root = np.sqrt(values[:rank])
    embedding = np.zeros((len(table), width), np.float32)
    kernel = np.zeros((width, table.shape[1]), np.float32)
    embedding[:, :rank] = left[:, :rank] * root
    kernel[:rank] = root[:, None] * right[:rank]
    return embedding, kernel, bias
