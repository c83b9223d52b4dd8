"""The integer products of an int8 graph: quantised anew, or computed exactly on any processor."""

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
    """Return whether a graph quantises activations as graphs made today do."""
    _, constants = _copy(int8)
    return int(numpy_helper.to_array(constants[ACTIVATION_ZERO_POINT])) == ZERO_POINT


def requantised(int8: onnx.ModelProto) -> onnx.ModelProto:
    """Return an int8 graph with today's quantisation of activations, and its own weights."""
    graph, constants = _copy(int8)
    scale = numpy_helper.to_array(constants[ACTIVATION_SCALE])
    for node in graph.graph.node:
        if node.op_type == "MatMulInteger":
            columns = constants[scale_of(node.input[1])]
            per_weight = numpy_helper.to_array(columns) / scale
            _set(columns, per_weight / np.float32(ACTIVATION_LEVELS))
    _set(constants[ACTIVATION_SCALE], np.float32(1 / ACTIVATION_LEVELS))
    _set(constants[ACTIVATION_ZERO_POINT], np.uint8(ZERO_POINT))
    return graph


def with_exact_products(int8: onnx.ModelProto) -> onnx.ModelProto:
    """Return an int8 graph whose products are computed in float64, which is exact below 2^53."""
    graph, _ = _copy(int8)
    del graph.graph.node[:]
    for node in int8.graph.node:
        exact = _exact_product(node) if node.op_type == "MatMulInteger" else [node]
        graph.graph.node.extend(exact)
    return graph


def _exact_product(product: onnx.NodeProto) -> list[onnx.NodeProto]:
    """Return nodes that compute a MatMulInteger in float64."""
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
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    return copy, {tensor.name: tensor for tensor in copy.graph.initializer}


def _set(constant: onnx.TensorProto, value: np.ndarray | np.generic) -> None:
    constant.CopyFrom(numpy_helper.from_array(np.asarray(value), constant.name))
