"""ONNX Runtime's own `LSTM` operator, fp32, one step per call with its default threads."""

from typing import Any

import numpy as np
import onnxruntime as ort
from onnx import ModelProto, TensorProto, helper, numpy_helper

from benchmarks.peers.draw import Drawer
from benchmarks.weights import LAYERS, SYMBOLS, UNITS, random_weights


def lstm_graph() -> ModelProto:
    """Build the step: ids [1, B], then per layer h and c [1, B, units], to logits and states."""
    weights, nodes, constants = random_weights(), [], []

    def constant(name: str, value: Any) -> str:
        constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    below = "one_hot"
    nodes.append(helper.make_node("Gather", [constant("eye", weights.embedding), "ids"], [below]))
    for number, layer in enumerate(weights.layers):
        i, f, o, g = range(4)
        order = [i, o, f, g]  # the operator's order of gates: i, o, f, c
        inputs = [
            below,
            constant(f"w{number}", _gates_first(layer.kernel, order)),
            constant(f"r{number}", _gates_first(layer.recurrent, order)),
            constant(f"b{number}", _biases(_gates_first(layer.bias, order)[0])),
            "",
            f"h{number}",
            f"c{number}",
        ]
        outputs = [f"y{number}", f"h{number}_next", f"c{number}_next"]
        nodes.append(helper.make_node("LSTM", inputs, outputs, hidden_size=UNITS))
        below = f"{outputs[1]}"
    nodes.append(helper.make_node("MatMul", [below, constant("v", weights.output)], ["product"]))
    bias = constant("output_bias", weights.output_bias)
    nodes.append(helper.make_node("Add", ["product", bias], ["logits"]))
    names = [name for layer in range(LAYERS) for name in (f"h{layer}", f"c{layer}")]
    graph = helper.make_graph(
        nodes,
        "lstm_step",
        [
            _value("ids", TensorProto.INT64),
            *(_value(name, TensorProto.FLOAT, UNITS) for name in names),
        ],
        [
            _value("logits", TensorProto.FLOAT, len(SYMBOLS)),
            *(_value(f"{name}_next", TensorProto.FLOAT, UNITS) for name in names),
        ],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 9
    return model


def _gates_first(matrix: Any, order: list[int]) -> Any:
    """Return [1, 4u, inputs] with reordered gates, of [inputs, 4u] or [4u] with gates i, f, o, g."""
    i, f, o, g = np.split(np.atleast_2d(matrix), 4, axis=1)
    parts = {0: i, 1: f, 2: o, 3: g}
    return np.concatenate([parts[gate] for gate in order], axis=1).T[None]


def _biases(column: Any) -> Any:
    """Return the operator's two biases, of input and state, side by side: [1, 8u]."""
    return np.concatenate([column[:, 0], np.zeros_like(column[:, 0])])[None]


def _value(name: str, kind: int, *shape: int) -> Any:
    return helper.make_tensor_value_info(name, kind, [1, "batch", *shape])


class OnnxLstm:
    """The operator's step and the service's sampler."""

    def __init__(self) -> None:
        self._session = ort.InferenceSession(
            lstm_graph().SerializeToString(), providers=["CPUExecutionProvider"]
        )
        self._states = [node.name for node in self._session.get_inputs()[1:]]

    def generate(self, sequences: int, characters: int) -> None:
        """Generate that many characters of each sequence."""
        drawer = Drawer(sequences)
        ids = np.zeros(sequences, np.int64)
        states = [np.zeros((1, sequences, UNITS), np.float32) for _ in self._states]
        for position in range(characters):
            feed = dict(zip(self._states, states, strict=True))
            logits, *states = self._session.run(None, feed | {"ids": ids[None]})
            ids = drawer.draw(logits[0], position)
