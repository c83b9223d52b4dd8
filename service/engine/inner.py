"""`python -m service.engine.inner GRAPH`: compute an LSTM's gates and gradients from recorded states.

The step graphs put out neither. Arrays of `service.engine.lstm` come from stdin and go to stdout in NumPy's
format npz. In: `ids` [N], `states` [N + 1, parts, u], `layer`, `units` [k], and two places of the text,
`first` and `at`. Out: `gates` [N, 4, k] of the units, and `gradient` [at − first], the norms of the gradient
of the loss of the character `at` by each of the characters from `first` on; none where `at` is 0.

The `onnx` library takes 12 MB, and the weights as floats take four times the graph. So this is a process
that ends at once.
"""

import sys
from io import BytesIO

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from service.engine.lstm import Floats, Ids, Layer, Network, gates, gradient

Constants = dict[str, NDArray[np.float32]]


def network_of(graph: onnx.GraphProto) -> Network:
    """Return the weights of a step graph of an LSTM, in fp32 or int8.

    Raises:
        KeyError: the graph names its constants in another way.
    """
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    output = _matrix(constants, "output")
    first = Layer(
        recurrent=_by_gate(_matrix(constants, "layer0")), table=_by_gate(constants["characters"])
    )
    number = sum(value.name.startswith("c") for value in graph.input)
    goes_on = constants.get("goes_on", np.ones((output.shape[1], 1), np.float32))
    return Network(
        layers=[first, *(_layer(constants, f"layer{above}") for above in range(1, number))],
        output=output,
        bias=constants["output_bias"],
        goes_on=goes_on[:, 0],
        rounding=float(constants.get("activation_scale", 0)),
    )


def _layer(constants: Constants, prefix: str) -> Layer:
    """Return a layer above the first: one matrix [2u, 4u] holds kernel and recurrent."""
    kernel, recurrent = np.split(_matrix(constants, prefix), 2)
    bias = _by_gate(constants[f"{prefix}_bias"])
    return Layer(_by_gate(recurrent), kernel=_by_gate(kernel), bias=bias)


def _matrix(constants: Constants, prefix: str) -> Floats:
    """Return a weight matrix as floats [n, m], dequantised in an int8 graph."""
    matrix = constants[f"{prefix}_weight"]
    if matrix.dtype != np.int8:
        return matrix
    # The column scale [m] is the scale of the weights times the scale of the activations.
    return matrix * (constants[f"{prefix}_scale"] / constants["activation_scale"])


def _by_gate(columns: Floats) -> Floats:
    """Return [..., 4u] as [..., 4, u]."""
    return columns.reshape(*columns.shape[:-1], 4, -1)


def norms(network: Network, ids: Ids, states: Floats, first: int, at: int) -> Floats:
    """Return the norms [at − first] of the gradient of the loss of the character `at`."""
    by_row = gradient(network, ids[first:at], states[first : at + 1], int(ids[at]))
    by_character: Floats = np.linalg.norm(by_row.reshape(at - first, -1), axis=1)
    return by_character


def main() -> None:
    """Answer one question."""
    asked = np.load(BytesIO(sys.stdin.buffer.read()))
    network = network_of(onnx.load(sys.argv[1]).graph)
    ids, states, first, at = asked["ids"], asked["states"], int(asked["first"]), int(asked["at"])
    np.savez(
        sys.stdout.buffer,
        gates=gates(network, int(asked["layer"]), ids, states, asked["units"]),
        gradient=norms(network, ids, states, first, at) if at else np.empty(0, np.float32),
    )


if __name__ == "__main__":
    main()
