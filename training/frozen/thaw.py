"""Weights out of a published version, so that a training can go on from them.

A step graph holds its weights as constants under the names that `graph.py` gives them. Embedding,
kernel and bias of the first layer are one table there, with a row for each character, which is taken
apart into factors whose product is the table.
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
    """Return weights that compute what a version's fp32 graph does, or its int8 graph's weights.

    A bundled version has the int8 graph alone.

    Raises:
        TrainingError: the graph is not one that this job writes.
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
    """Return a layer above the first."""
    recurrent = _matrix(constants, prefix)
    if cell == "gru":
        inputs = f"{prefix}_x"
        return Layer(_matrix(constants, inputs), recurrent, constants[f"{inputs}_bias"])
    kernel, recurrent = np.split(recurrent, 2)  # one product of both
    return Layer(kernel, recurrent, constants[f"{prefix}_bias"])


def _matrix(constants: Constants, prefix: str) -> Floats:
    """Return the matrix of a product: of an int8 graph the numbers that its integers stand for."""
    name = weight_of(prefix)
    matrix = constants[name]
    if matrix.dtype == np.int8:
        return matrix * (constants[scale_of(name)] / constants[ACTIVATION_SCALE])
    return matrix


def _factors(table: Floats, width: int) -> tuple[Floats, Floats, Floats]:
    """Return embedding [V, width], kernel [width, G·u] and bias [G·u] whose table [V, G·u] it is.

    Less the mean of its rows, the table of an embedding of that width has no higher rank than that.
    Of width 0 is the embedding that is one-hot.
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
