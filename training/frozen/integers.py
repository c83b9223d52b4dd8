"""Rewrites of an int8 graph: today's quantisation of activations, or exact integer products."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from training.frozen.nodes import (
    ACTIVATION_LEVELS,
    ACTIVATION_SCALE,
    ACTIVATION_ZERO_POINT,
    ZERO_POINT,
    scale_of,
)

Constants = dict[str, onnx.TensorProto]


def is_current(int8: onnx.ModelProto) -> bool:
    """Return whether an int8 graph has today's quantisation of activations.

    Raises:
        KeyError: the graph is no int8 graph of this job.
    """
    _, constants = _copy(int8)
    return int(numpy_helper.to_array(constants[ACTIVATION_ZERO_POINT])) == ZERO_POINT


def requantised(int8: onnx.ModelProto) -> onnx.ModelProto:
    """Return a copy of an int8 graph with today's quantisation of activations and the same weights."""
    graph, constants = _copy(int8)
    scale = numpy_helper.to_array(constants[ACTIVATION_SCALE])
    for node in graph.graph.node:
        if node.op_type == "MatMulInteger":
            # A column scale [m] is the scale of the column's weights times the scale of activations.
            columns = constants[scale_of(node.input[1])]
            of_weights = numpy_helper.to_array(columns) / scale
            _set(columns, of_weights / np.float32(ACTIVATION_LEVELS))
    _set(constants[ACTIVATION_SCALE], np.float32(1 / ACTIVATION_LEVELS))
    _set(constants[ACTIVATION_ZERO_POINT], np.uint8(ZERO_POINT))
    return graph


def with_exact_products(int8: onnx.ModelProto) -> onnx.ModelProto:
    """Return a copy of an int8 graph with products in float64, which is exact for sums below 2^53."""
    graph, _ = _copy(int8)
    del graph.graph.node[:]
    for node in int8.graph.node:
        exact = _exact_product(node) if node.op_type == "MatMulInteger" else [node]
        graph.graph.node.extend(exact)
    return graph


def _exact_product(product: onnx.NodeProto) -> list[onnx.NodeProto]:
    """Return nodes that compute a MatMulInteger, (activation − zero point) · weight, in float64."""
    (sums,) = product.output
    operands = [f"{sums}_float64_{place}" for place in range(3)]
    activation, weight, zero_point = operands
    return [
        *(
            helper.make_node("Cast", [integers], [floats], to=TensorProto.DOUBLE)
            for integers, floats in zip(product.input, operands, strict=True)
        ),
        helper.make_node("Sub", [activation, zero_point], [f"{sums}_centred"]),
        helper.make_node("MatMul", [f"{sums}_centred", weight], [sums]),
    ]


def _copy(model: onnx.ModelProto) -> tuple[onnx.ModelProto, Constants]:
    """Return a copy of a graph, and the constants of the copy by name."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    return copy, {tensor.name: tensor for tensor in copy.graph.initializer}


def _set(constant: onnx.TensorProto, value: np.ndarray | np.generic) -> None:
    constant.CopyFrom(numpy_helper.from_array(np.asarray(value), constant.name))
