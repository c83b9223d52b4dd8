"""The weights of a published step graph of an LSTM, read from its constants.

The constants have the names that `training.frozen.graph` and `training.frozen.nodes` give them.
"""

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from service.engine.inner.lstm import Floats, Inputs, Network

Constants = dict[str, NDArray[np.float32]]


def network_of(graph: onnx.GraphProto) -> Network:
    """Return the weights of a step graph of an LSTM, in fp32 or int8.

    Raises:
        KeyError: the graph names its constants in another way.
    """
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    output = _matrix(constants, "output")
    layers = sum(value.name.startswith("c") for value in graph.input)
    first, *matrices = [_by_gate(_matrix(constants, f"layer{n}")) for n in range(layers)]
    # Above the first layer, one matrix holds kernel and recurrent.
    stacked = [np.split(matrix, 2) for matrix in matrices]
    return Network(
        table=_by_gate(constants["characters"]),
        recurrent=[first, *(recurrent for _, recurrent in stacked)],
        inputs=[
            Inputs(kernel, _by_gate(constants[f"layer{n}_bias"]))
            for n, (kernel, _) in enumerate(stacked, start=1)
        ],
        output=output,
        bias=constants["output_bias"],
        goes_on=constants.get("goes_on", np.ones((output.shape[1], 1), np.float32))[:, 0],
        rounding=float(constants.get("activation_scale", 0)),
    )


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
