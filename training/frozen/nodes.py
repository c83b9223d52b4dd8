"""The nodes of an ONNX graph under construction: activations and products, in fp32 or int8."""

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

# |h| ≤ 1, so one constant scale covers every activation: h is quantised to rint(63 h) + 64, 1 to 127.
# Activations have seven bits instead of eight, because ONNX Runtime on x86-64 without VNNI adds pairs of
# uint8 × int8 products in 16 bits. 2·127·127 = 32,258 fits into 16 bits (32,767); 2·255·127 saturates.
ACTIVATION_LEVELS = 63
ZERO_POINT = 64  # of uint8; ONNX Runtime has no fast path for int8 activations

# The names of the constants that other modules look up in a graph.
ACTIVATION_SCALE = "activation_scale"
ACTIVATION_ZERO_POINT = "activation_zero_point"

Floats = NDArray[np.float32]


class Nodes:
    """The nodes and constants of a graph under construction; a method returns the result's name."""

    def __init__(self, *, int8: bool) -> None:
        self.int8 = int8
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        if int8:
            self.scale = self.constant(ACTIVATION_SCALE, np.float32(1 / ACTIVATION_LEVELS))
            self.zero_point = self.constant(ACTIVATION_ZERO_POINT, np.uint8(ZERO_POINT))

    def node(self, operator: str, inputs: list[str], output: str, **attributes: Any) -> str:
        """Add a node with one output."""
        self.nodes.append(helper.make_node(operator, inputs, [output], **attributes))
        return output

    def constant(self, name: str, value: Any) -> str:
        """Add a constant."""
        self.constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def split(self, name: str, sizes: list[int], outputs: list[str]) -> list[str]:
        """Split [B, n] into groups of columns of the given sizes."""
        lengths = self.constant(f"{outputs[0]}_sizes", np.array(sizes, np.int64))
        self.nodes.append(helper.make_node("Split", [name, lengths], outputs, axis=1))
        return outputs

    def activation(self, name: str, prefix: str) -> str:
        """Return the activation as an operand of a product: quantised in an int8 graph."""
        if not self.int8:
            return name
        inputs = [name, self.scale, self.zero_point]
        return self.node("QuantizeLinear", inputs, f"{prefix}_quantized")

    def product(self, activations: list[str], weight: Floats, prefix: str) -> str:
        """Multiply activations, [B, n] side by side, by a weight [n, m]."""
        left = activations[0]
        if len(activations) > 1:
            left = self.node("Concat", activations, f"{prefix}_inputs", axis=1)
        if not self.int8:
            right = self.constant(weight_of(prefix), weight)
            return self.node("MatMul", [left, right], f"{prefix}_product")
        quantized, column_scale = quantize_columns(weight)
        right = self.constant(weight_of(prefix), quantized)
        sums = self.node("MatMulInteger", [left, right, self.zero_point], f"{prefix}_sums")
        floats = self.node("Cast", [sums], f"{prefix}_float", to=TensorProto.FLOAT)
        scale = self.constant(scale_of(right), column_scale / np.float32(ACTIVATION_LEVELS))
        return self.node("Mul", [floats, scale], f"{prefix}_product")


def weight_of(prefix: str) -> str:
    """Return the name of the weight matrix of a product."""
    return f"{prefix}_weight"


def scale_of(weight: str) -> str:
    """Return the name of the column scales [m], which turn the integer sums [B, m] into floats."""
    return f"{weight.removesuffix('_weight')}_scale"


def quantize_columns(weight: Floats) -> tuple[NDArray[np.int8], Floats]:
    """Quantise each column of a weight [n, m] symmetrically to int8; return integers and scales [m]."""
    # The scale of a column of zeros is a normal number, because processors may flush subnormals to 0.
    scale = np.maximum(np.abs(weight).max(axis=0) / 127, np.finfo(np.float32).tiny)
    return np.rint(weight / scale).astype(np.int8), scale.astype(np.float32)
