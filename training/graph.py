"""The step graph: one character in, logits and the next state out, built from trained weights.

Signature: ids [B] int64, then per layer h and c [B, units] float32
        -> logits [B, V] float32, then per layer the next h and c.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

# The oldest pair that has every operator used here, so that any current runtime reads the file.
OPSET = 17
IR_VERSION = 9
ACTIVATION_LEVELS = 127  # |h| < 1, so one constant scale 1/127 covers every activation
ZERO_POINT = 128  # of uint8; int8 activations fall off the runtime's fast path

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Layer:
    """One LSTM layer: kernel [inputs, 4u], recurrent [u, 4u], bias [4u].

    The gates stand in the order i, f, o, g, so that one sigmoid covers the first three.
    """

    kernel: Floats
    recurrent: Floats
    bias: Floats


@dataclass(frozen=True)
class Weights:
    """All weights of the network: embedding [V, e], layers, output [u, V], output_bias [V]."""

    embedding: Floats
    layers: list[Layer]
    output: Floats
    output_bias: Floats


def step_graph(weights: Weights, *, int8: bool) -> onnx.ModelProto:
    """Build the step graph in fp32, or with int8 weights and statically quantised activations."""
    return _GraphBuilder(weights, int8).build()


class _GraphBuilder:
    def __init__(self, weights: Weights, int8: bool) -> None:
        self.weights, self.int8 = weights, int8
        self.units = weights.output.shape[0]
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        if int8:
            self.scale = self.constant("activation_scale", np.float32(1 / ACTIVATION_LEVELS))
            self.zero_point = self.constant("activation_zero_point", np.uint8(ZERO_POINT))

    def build(self) -> onnx.ModelProto:
        layers = range(len(self.weights.layers))
        names = [name for layer in layers for name in (f"h{layer}", f"c{layer}")]
        logits = self.network()
        batch_of_states = [_value(name, TensorProto.FLOAT, self.units) for name in names]
        graph = helper.make_graph(
            self.nodes,
            "character_lstm_step",
            inputs=[_value("ids", TensorProto.INT64), *batch_of_states],
            outputs=[
                _value(logits, TensorProto.FLOAT, len(self.weights.output_bias)),
                *(_value(f"{name}_next", TensorProto.FLOAT, self.units) for name in names),
            ],
            initializer=self.constants,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)])
        model.ir_version = IR_VERSION
        model.producer_name = "charloom"
        onnx.checker.check_model(model, full_check=True)
        return model

    def network(self) -> str:
        below: str | None = None
        for number, layer in enumerate(self.weights.layers):
            below = self.lstm_layer(number, layer, below)
        assert below is not None
        logits = self.product([below], self.weights.output, "output")
        bias = self.constant("output_bias", self.weights.output_bias)
        return self.node("Add", [logits, bias], "logits")

    def lstm_layer(self, number: int, layer: Layer, below: str | None) -> str:
        """Add one cell; return the name of what the layer above multiplies."""
        prefix = f"lstm{number}"
        hidden = self.activation(f"h{number}", f"{prefix}_h")
        if below is None:
            # Embedding and input kernel fold into one row per character: a lookup, no product.
            table = self.weights.embedding @ layer.kernel + layer.bias
            fixed = self.node(
                "Gather", [self.constant(f"{prefix}_table", table), "ids"], f"{prefix}_input"
            )
            product = self.product([hidden], layer.recurrent, prefix)
        else:
            fixed = self.constant(f"{prefix}_bias", layer.bias)
            stacked = np.concatenate([layer.kernel, layer.recurrent])
            product = self.product([below, hidden], stacked, prefix)
        gates = self.node("Add", [product, fixed], f"{prefix}_gates")
        return self.cell(prefix, gates, number)

    def cell(self, prefix: str, gates: str, number: int) -> str:
        u = self.units
        sizes = self.constant(f"{prefix}_sizes", np.array([3 * u, u], np.int64))
        squashed, candidate = self.split(gates, sizes, [f"{prefix}_ifo", f"{prefix}_g"])
        ifo = self.node("Sigmoid", [squashed], f"{prefix}_ifo_open")
        g = self.node("Tanh", [candidate], f"{prefix}_candidate")
        thirds = self.constant(f"{prefix}_thirds", np.array([u, u, u], np.int64))
        i, f, o = self.split(ifo, thirds, [f"{prefix}_i", f"{prefix}_f", f"{prefix}_o"])
        kept = self.node("Mul", [f, f"c{number}"], f"{prefix}_kept")
        added = self.node("Mul", [i, g], f"{prefix}_added")
        cell = self.node("Add", [kept, added], f"c{number}_next")
        bounded = self.node("Tanh", [cell], f"{prefix}_bounded")
        hidden = self.node("Mul", [o, bounded], f"h{number}_next")
        return self.activation(hidden, f"{prefix}_out")

    def activation(self, name: str, prefix: str) -> str:
        """Return the activation as products take it: quantised in the int8 graph."""
        if not self.int8:
            return name
        inputs = [name, self.scale, self.zero_point]
        return self.node("QuantizeLinear", inputs, f"{prefix}_quantized")

    def product(self, activations: list[str], weight: Floats, prefix: str) -> str:
        """Add activations [B, n] (side by side) times weight [n, m]."""
        left = activations[0]
        if len(activations) > 1:
            left = self.node("Concat", activations, f"{prefix}_inputs", axis=1)
        if not self.int8:
            right = self.constant(f"{prefix}_weight", weight)
            return self.node("MatMul", [left, right], f"{prefix}_product")
        quantized, column_scale = quantize_columns(weight)
        inputs = [left, self.constant(f"{prefix}_weight", quantized), self.zero_point]
        sums = self.node("MatMulInteger", inputs, f"{prefix}_sums")
        floats = self.node("Cast", [sums], f"{prefix}_float", to=TensorProto.FLOAT)
        scale = self.constant(f"{prefix}_scale", column_scale / np.float32(ACTIVATION_LEVELS))
        return self.node("Mul", [floats, scale], f"{prefix}_product")

    def split(self, name: str, sizes: str, outputs: list[str]) -> list[str]:
        self.nodes.append(helper.make_node("Split", [name, sizes], outputs, axis=1))
        return outputs

    def node(self, operator: str, inputs: list[str], output: str, **attributes: Any) -> str:
        self.nodes.append(helper.make_node(operator, inputs, [output], **attributes))
        return output

    def constant(self, name: str, value: Any) -> str:
        self.constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name


def quantize_columns(weight: Floats) -> tuple[NDArray[np.int8], Floats]:
    """Quantise each column symmetrically to int8; return it with one scale per column."""
    # A column of zeros still needs a scale, and a normal number: processors may flush others to 0.
    scale = np.maximum(np.abs(weight).max(axis=0) / 127, np.finfo(np.float32).tiny)
    return np.rint(weight / scale).astype(np.int8), scale.astype(np.float32)


def _value(name: str, kind: int, *shape: int) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, ["batch", *shape])
