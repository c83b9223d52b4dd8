"""The step graph: one character in, logits and the next state out, built from trained weights.

Signature: ids [B] int64, then the parts of the state layer by layer, each [B, units] float32
        -> logits [B, V] float32, then the parts of the next state.
The state of an LSTM has the parts h and c, the state of the other cells the part h.
"""

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np
import onnx
from onnx import TensorProto, helper

from training.frozen.nodes import Nodes
from training.frozen.weights import Layer, Weights

# The oldest versions with every operator used here, so that any current runtime reads the file.
OPSET = 17
IR_VERSION = 9


def step_graph(weights: Weights, *, int8: bool) -> onnx.ModelProto:
    """Build the step graph in fp32, or with int8 weights and statically quantised activations."""
    network, units = _NETWORKS[weights.cell](Nodes(int8=int8), weights), weights.output.shape[0]
    logits = network.logits()
    states = [f"{part}{layer}" for layer in range(len(weights.layers)) for part in network.states]
    graph = helper.make_graph(
        network.nodes.nodes,
        "character_model_step",
        inputs=[_value("ids", TensorProto.INT64), *(_floats(name, units) for name in states)],
        outputs=[
            _floats(logits, len(weights.output_bias)),
            *(_floats(f"{name}_next", units) for name in states),
        ],
        initializer=network.nodes.constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)])
    model.ir_version = IR_VERSION
    model.producer_name = "charloom"
    onnx.checker.check_model(model, full_check=True)
    return model


class _Network(ABC):
    """The layers from the ids to the logits; a subclass adds the nodes of its cell."""

    states: ClassVar[tuple[str, ...]] = ("h",)
    before: dict[str, str]
    """The names of the parts of the current layer's state before the step."""

    def __init__(self, nodes: Nodes, weights: Weights) -> None:
        self.nodes, self.weights = nodes, weights
        self.units = weights.output.shape[0]
        if weights.text_end is not None:
            factors = np.ones((len(weights.output_bias), 1), np.float32)
            factors[weights.text_end] = 0
            self.nodes.node("Gather", [self.nodes.constant("goes_on", factors), "ids"], "factor")

    @abstractmethod
    def cell(self, number: int, layer: Layer, below: str | None) -> None:
        """Add the nodes from `h<number>` and the activation of the layer below to `h<number>_next`."""

    def logits(self) -> str:
        """Add the nodes of the whole network; return the name of the logits."""
        below: str | None = None
        for number, layer in enumerate(self.weights.layers):
            self.before = {part: self.state(f"{part}{number}") for part in self.states}
            self.cell(number, layer, below)
            below = self.nodes.activation(f"h{number}_next", f"layer{number}_out")
        assert below is not None
        product = self.nodes.product([below], self.weights.output, "output")
        bias = self.nodes.constant("output_bias", self.weights.output_bias)
        return self.nodes.node("Add", [product, bias], "logits")

    def state(self, part: str) -> str:
        """Return a part of the state [B, u] before the step: zero in the rows where a text begins."""
        if self.weights.text_end is None:
            return part
        return self.nodes.node("Mul", [part, "factor"], f"{part}_going_on")

    def hidden(self, number: int) -> str:
        """Return the hidden state of the layer as an operand of a product."""
        return self.nodes.activation(self.before["h"], f"layer{number}_h")

    def characters(self, layer: Layer) -> str:
        """Add the lookup of a character: embedding, kernel and bias are folded into one table."""
        table = self.weights.embedding @ layer.kernel + layer.bias  # [V, G·u]
        return self.nodes.node("Gather", [self.nodes.constant("characters", table), "ids"], "input")

    def gates(self, number: int, layer: Layer, below: str | None) -> str:
        """Add the sum of input product, recurrent product and bias, [B, G·u]."""
        if below is None:
            fixed = self.characters(layer)
            product = self.nodes.product([self.hidden(number)], layer.recurrent, f"layer{number}")
        else:
            fixed = self.nodes.constant(f"layer{number}_bias", layer.bias)
            # One product of [B, 2u] and [2u, G·u] is faster than two.
            stacked = np.concatenate([layer.kernel, layer.recurrent])
            inputs = [below, self.hidden(number)]
            product = self.nodes.product(inputs, stacked, f"layer{number}")
        return self.nodes.node("Add", [product, fixed], f"layer{number}_gates")


class _LSTM(_Network):
    states = ("h", "c")

    def cell(self, number: int, layer: Layer, below: str | None) -> None:
        u, prefix, node = self.units, f"layer{number}", self.nodes.node
        gates = self.gates(number, layer, below)
        ifo, g = self.nodes.split(gates, [3 * u, u], [f"{prefix}_ifo", f"{prefix}_g"])
        ifo = node("Sigmoid", [ifo], f"{prefix}_ifo_open")
        g = node("Tanh", [g], f"{prefix}_candidate")
        i, f, o = self.nodes.split(ifo, [u, u, u], [f"{prefix}_{gate}" for gate in "ifo"])
        kept = node("Mul", [f, self.before["c"]], f"{prefix}_kept")
        added = node("Mul", [i, g], f"{prefix}_added")
        cell = node("Add", [kept, added], f"c{number}_next")
        bounded = node("Tanh", [cell], f"{prefix}_bounded")
        node("Mul", [o, bounded], f"h{number}_next")


class _GRU(_Network):
    def cell(self, number: int, layer: Layer, below: str | None) -> None:
        u, prefix, node = self.units, f"layer{number}", self.nodes.node
        x = self.characters(layer) if below is None else self.inputs(number, layer, below)
        # Two products, because the reset gate acts on the recurrent product alone.
        product = self.nodes.product([self.hidden(number)], layer.recurrent, prefix)
        x_rz, x_n = self.nodes.split(x, [2 * u, u], [f"{prefix}_x_rz", f"{prefix}_x_n"])
        p_rz, p_n = self.nodes.split(product, [2 * u, u], [f"{prefix}_p_rz", f"{prefix}_p_n"])
        rz = node("Add", [x_rz, p_rz], f"{prefix}_rz")
        rz = node("Sigmoid", [rz], f"{prefix}_rz_open")
        r, z = self.nodes.split(rz, [u, u], [f"{prefix}_r", f"{prefix}_z"])
        reset = node("Mul", [r, p_n], f"{prefix}_reset")
        n = node("Add", [x_n, reset], f"{prefix}_n")
        n = node("Tanh", [n], f"{prefix}_candidate")
        change = node("Sub", [self.before["h"], n], f"{prefix}_change")
        kept = node("Mul", [z, change], f"{prefix}_kept")
        node("Add", [n, kept], f"h{number}_next")

    def inputs(self, number: int, layer: Layer, below: str) -> str:
        prefix = f"layer{number}_x"
        product = self.nodes.product([below], layer.kernel, prefix)
        bias = self.nodes.constant(f"{prefix}_bias", layer.bias)
        return self.nodes.node("Add", [product, bias], prefix)


class _SimpleRNN(_Network):
    def cell(self, number: int, layer: Layer, below: str | None) -> None:
        self.nodes.node("Tanh", [self.gates(number, layer, below)], f"h{number}_next")


_NETWORKS: dict[str, type[_Network]] = {"lstm": _LSTM, "gru": _GRU, "rnn": _SimpleRNN}


def _floats(name: str, columns: int) -> onnx.ValueInfoProto:
    return _value(name, TensorProto.FLOAT, columns)


def _value(name: str, kind: int, *shape: int) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, ["batch", *shape])
