"""An LSTM in NumPy: its gates at recorded states, and gradients that are handed back through them.

Shapes: N characters of a text, V of the vocabulary, u units. The recorded states are [N + 1, parts, u],
those before the first character and those after each; the parts are h0, c0, h1, c1, … The gates stand in
the order i, f, o, C̃, as in the step graphs.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ids = NDArray[np.int64]

INPUT, FORGET, OUTPUT, CANDIDATE = range(4)


@dataclass(frozen=True)
class Layer:
    """The weights of a layer, as floats.

    The sums of the gates are table[id] + h · recurrent in the first layer, with the table [V, 4, u] that
    folds embedding, kernel and bias together, and x · kernel + bias + h · recurrent above, with the
    hidden state x of the layer below. `kernel` and `recurrent` are [u, 4, u], `bias` is [4, u].
    """

    recurrent: Floats
    table: Floats | None = None
    kernel: Floats | None = None
    bias: Floats | None = None


@dataclass(frozen=True)
class Network:
    """The weights of a step graph.

    The logits are h · output [u, V] + bias [V]. `goes_on` [V] is 0 for the character that begins a text
    anew, from the zero state, and otherwise 1. Activations are rounded to multiples of `rounding`;
    0 means not rounded.
    """

    layers: list[Layer]
    output: Floats
    bias: Floats
    goes_on: Floats
    rounding: float = 0

    def activation(self, h: Floats) -> Floats:
        """Return hidden states, of any shape, as the products of the graph see them."""
        if not self.rounding:
            return h
        rounded: Floats = np.rint(h / h.dtype.type(self.rounding)) * h.dtype.type(self.rounding)
        return rounded


def gates(network: Network, number: int, ids: Ids, states: Floats, units: Ids) -> Floats:
    """Return the gates [N, 4, k] of k units of a layer at each of ids [N]."""
    layer, before = network.layers[number], states[:-1, 2 * number]
    h = network.activation(before) * network.goes_on[ids, None]
    sums = _product(h, layer.recurrent, units)
    if layer.table is not None:
        sums += layer.table[ids][:, :, units]
    if layer.kernel is not None and layer.bias is not None:
        below = network.activation(states[1:, 2 * number - 2])
        sums += _product(below, layer.kernel, units) + layer.bias[:, units]
    sums[:, CANDIDATE] = np.tanh(sums[:, CANDIDATE])
    # sigmoid(a) = (1 + tanh(a / 2)) / 2, which does not overflow.
    sums[:, :CANDIDATE] = (1 + np.tanh(sums[:, :CANDIDATE] / 2)) / 2
    return sums


def _product(left: Floats, weights: Floats, units: Ids) -> Floats:
    """Return left [N, u] · weights [u, 4, u] for some units, [N, 4, k]."""
    columns = weights[:, :, units]
    product: Floats = left @ columns.reshape(len(weights), -1)
    return product.reshape(len(left), 4, len(units))


def gradient(network: Network, ids: Ids, states: Floats, target: int) -> Floats:
    """Return the gradient of a character's loss by each of the characters before it, [N, 4, u].

    The loss is −log p(target) after ids [N]. The gradient is by a character's row in the table of the
    first layer. The states are those that the graph computed. The rounding of activations counts as the
    identity (the straight-through estimator; Bengio et al., "Estimating or propagating gradients through
    stochastic neurons for conditional computation", 2013).
    """
    above = np.zeros_like(states[1:, -2])
    above[-1] = network.output @ _error(network, states[-1, -2], target)
    for number in reversed(range(len(network.layers))):
        sums = _back_in_time(network, number, ids, states, above)
        kernel = network.layers[number].kernel
        if kernel is not None:
            above = sums.reshape(len(ids), -1) @ kernel.reshape(len(kernel), -1).T
    return sums


def _error(network: Network, h: Floats, target: int) -> Floats:
    """Return the gradient of −log softmax(logits)[target] by the logits, [V], after hidden states h [u]."""
    logits = network.activation(h) @ network.output + network.bias
    error: Floats = np.exp(logits - logits.max())
    error /= error.sum()
    error[target] -= 1
    return error


def _back_in_time(network: Network, number: int, ids: Ids, states: Floats, above: Floats) -> Floats:
    """Hand gradients by a layer's hidden states, [N, u], back to the sums of its gates, [N, 4, u]."""
    recurrent = network.layers[number].recurrent
    goes_on = network.goes_on[ids, None]
    every = np.arange(recurrent.shape[-1])
    i, f, o, candidate = gates(network, number, ids, states, every).swapaxes(0, 1)
    before = states[:-1, 2 * number + 1] * goes_on
    shown = np.tanh(states[1:, 2 * number + 1])
    h_to_c = o * (1 - shown**2)
    h_to_output = shown * o * (1 - o)
    # By the sums of i, f, o and C̃; the cell state does not depend on o.
    c_to_sums = np.stack(
        [candidate * i * (1 - i), before * f * (1 - f), np.zeros_like(o), i * (1 - candidate**2)], 1
    )
    sums = np.empty_like(c_to_sums)
    later_h, later_c = np.zeros_like(above[0]), np.zeros_like(above[0])
    for place in reversed(range(len(ids))):
        h = above[place] + later_h
        c = later_c + h * h_to_c[place]
        sums[place] = c * c_to_sums[place]
        sums[place, OUTPUT] = h * h_to_output[place]
        later_h = recurrent.reshape(len(recurrent), -1) @ sums[place].ravel() * goes_on[place]
        later_c = c * f[place] * goes_on[place]
    return sums
