"""`python -m service.engine.inner GRAPH`: compute an LSTM's gates and gradients from recorded states.

The step graphs put out neither. Arrays of `service.engine.inner.lstm` come from stdin and go to stdout in NumPy's
format npz. In: `ids` [N], `states` [N + 1, parts, u], `layer`, `units` [k], and two places of the text,
`first` and `at`. Out: `gates` [N, 4, k] of the units, and `gradient` [at − first], the norms of the gradient
of the loss of the character `at` by each of the characters from `first` on; none where `at` is 0.

The `onnx` library takes 12 MB, and the weights as floats take four times the graph. So this is a process
that ends at once.
"""

import os
import sys
from io import BytesIO

import numpy as np
import onnx

from service.engine.inner.lstm import Floats, Ids, Network, gates, gradient
from service.engine.inner.weights import network_of


def norms(network: Network, ids: Ids, states: Floats, first: int, at: int) -> Floats:
    """Return the norms [at − first] of the gradient of the loss of the character `at`."""
    by_row = gradient(network, ids[first:at], states[first : at + 1], int(ids[at]))
    by_character: Floats = np.linalg.norm(by_row.reshape(at - first, -1), axis=1)
    return by_character


def main() -> None:
    """Answer one question."""
    os.nice(5)  # generations go first
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
