"""Weights out of a published version, so that a training can go on from them.

A step graph holds its weights as constants, in the order in which `graph.py` adds them. Embedding,
kernel and bias of the first layer stand there as one table with a row per character; it is taken
apart again into factors that compute the same.
"""

import keras
import numpy as np
import onnx
from onnx import numpy_helper

from model_store import Architecture, StoredModel
from training.errors import TrainingError
from training.export import FP32_GRAPH, INT8_GRAPH
from training.graph import Layer, Weights
from training.nodes import ACTIVATION_LEVELS, Floats


def thaw(version: StoredModel) -> Weights:
    """Return weights that compute what a version's fp32 graph does, or its int8 graph's weights.

    A bundled version has the int8 graph alone.

    Raises:
        TrainingError: the graph is not one that this job writes.
    """
    files = version.manifest.files
    path = version.file(FP32_GRAPH if FP32_GRAPH in files else INT8_GRAPH)
    try:
        return _weights(onnx.load(path).graph, version.manifest.architecture)
    except ValueError:
        raise TrainingError(
            f"the weights of {version.manifest.name}@{version.manifest.version} cannot be read: "
            "it was made by another version of this job"
        ) from None


def load_weights(model: keras.Model, weights: Weights) -> None:
    """Give a model made by `build_model` these weights."""
    model.get_layer("embedding").set_weights([weights.embedding])
    for number, layer in enumerate(weights.layers):
        cell = model.get_layer(f"cell{number}")
        cell.set_weights([layer.kernel, layer.recurrent, layer.bias])
    logits = model.get_layer("logits")
    logits.set_weights([weights.output, np.where(logits.mask, 0, weights.output_bias)])


def _weights(graph: onnx.GraphProto, shape: Architecture) -> Weights:
    (table,) = _constants(graph, "Gather")
    embedding, kernel, bias = _factors(table, shape.embedding)
    *products, output = _products(graph)
    # Of the first layer the recurrent matrix, of each other one the kernel too, which goes first.
    matrices = np.concatenate(products).reshape(2 * shape.layers - 1, shape.units, -1)
    *biases, output_bias = _constants(graph, "Add")
    layers = zip([kernel, *matrices[1::2]], matrices[0::2], [bias, *biases], strict=True)
    return Weights(
        cell=shape.cell,
        embedding=embedding,
        layers=[Layer(*parts) for parts in layers],
        output=output,
        output_bias=output_bias,
    )


def _products(graph: onnx.GraphProto) -> list[Floats]:
    """Return the matrix of every product, of an int8 graph as the integers stand for."""
    integers, scales = _constants(graph, "MatMulInteger"), _constants(graph, "Mul")
    return _constants(graph, "MatMul") or [
        columns * scale * np.float32(ACTIVATION_LEVELS)
        for columns, scale in zip(integers, scales, strict=True)
    ]


def _constants(graph: onnx.GraphProto, operator: str) -> list[Floats]:
    """Return the first constant that each node of an operator takes, if it takes any."""
    known = {tensor.name: tensor for tensor in graph.initializer}
    nodes = [node for node in graph.node if node.op_type == operator]
    taken = [[name for name in node.input if name in known] for node in nodes]
    return [numpy_helper.to_array(known[names[0]]) for names in taken if names]


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
