"""An LSTM in NumPy: its gates at recorded states, and gradients that are handed back through them.

Shapes: N characters of a text, V of the vocabulary, u units. The recorded states are [N + 1, parts, u],
those before the first character and those after each; the parts are h0, c0, h1, c1, … The gates stand in
the order i, f, o, C̃, as in the step graphs.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
Ids = NDArray[np.int64]

OUTPUT, CANDIDATE = 2, 3


@dataclass(frozen=True)
class Inputs:
    """The weights of a layer's inputs, which are the hidden states below: kernel [u, 4, u], bias [4, u]."""

    kernel: Floats
    bias: Floats


@dataclass(frozen=True)
class Network:
    """The weights of a step graph, as floats of any precision.

    The sums of a layer's gates are h · recurrent[layer] [u, 4, u] plus, in the first layer, the row of the
    character in the table [V, 4, u], which folds embedding, kernel and bias together. In layer n above,
    x · kernel + bias of inputs[n − 1] are added, with the hidden states x of the layer below.
    The logits are h · output [u, V] + bias [V]. `goes_on` [V] is 0 for the character that begins a text
    anew, from the zero state, and otherwise 1. Activations are rounded to multiples of `rounding`;
    0 means not rounded.
    """

    table: Floats
    recurrent: list[Floats]
    inputs: list[Inputs]
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


def gates(network: Network, layer: int, ids: Ids, states: Floats, units: Ids) -> Floats:
    """Return the gates [N, 4, k] of k units of a layer at each of ids [N]."""
    before = network.activation(states[:-1, 2 * layer]) * network.goes_on[ids, None]
    sums = _product(before, network.recurrent[layer], units)
    if layer == 0:
        sums += network.table[ids][:, :, units]
    else:
        inputs = network.inputs[layer - 1]
        below = network.activation(states[1:, 2 * layer - 2])
        sums += _product(below, inputs.kernel, units) + inputs.bias[:, units]
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

    The loss is −log p(target) after ids [N]. The gradient is by a character's row in the table. The states
    are those that the graph computed. The rounding of activations counts as the identity (the
    straight-through estimator; Bengio et al., "Estimating or propagating gradients through stochastic
    neurons for conditional computation", 2013).
    """
    above = np.zeros_like(states[1:, -2])
    above[-1] = network.output @ _error(network, states[-1, -2], target)
    for layer, inputs in reversed([*enumerate(network.inputs, start=1)]):
        sums = _back_in_time(network, layer, ids, states, above)
        above = sums.reshape(len(ids), -1) @ inputs.kernel.reshape(len(inputs.kernel), -1).T
    return _back_in_time(network, 0, ids, states, above)


def _error(network: Network, h: Floats, target: int) -> Floats:
    """Return the gradient of −log softmax(logits)[target] by the logits, [V], after hidden states h [u]."""
    logits = network.activation(h) @ network.output + network.bias
    error: Floats = np.exp(logits - logits.max())
    error /= error.sum()
    error[target] -= 1
    return error


class Slopes(NamedTuple):
    """The derivatives within each of N steps of a layer, [N, u] each; those by the sums [N, 4, u].

    A step's cell state does not depend on the step's o, and the part of h beside the cell state depends
    on the sum of o alone.
    """

    h_by_c: Floats
    c_by_c_before: Floats
    c_by_sums: Floats
    h_by_output_sum: Floats


def _slopes(network: Network, layer: int, ids: Ids, states: Floats) -> Slopes:
    every = np.arange(states.shape[-1])
    i, f, o, candidate = gates(network, layer, ids, states, every).swapaxes(0, 1)
    goes_on = network.goes_on[ids, None]
    before, shown = states[:-1, 2 * layer + 1] * goes_on, np.tanh(states[1:, 2 * layer + 1])
    by_input, by_forget = candidate * i * (1 - i), before * f * (1 - f)
    by_candidate = i * (1 - candidate**2)
    return Slopes(
        h_by_c=o * (1 - shown**2),
        c_by_c_before=f * goes_on,
        c_by_sums=np.stack([by_input, by_forget, np.zeros_like(o), by_candidate], axis=1),
        h_by_output_sum=shown * o * (1 - o),
    )


def _back_in_time(network: Network, layer: int, ids: Ids, states: Floats, above: Floats) -> Floats:
    """Hand gradients by a layer's hidden states, [N, u], back to the sums of its gates, [N, 4, u]."""
    slopes = _slopes(network, layer, ids, states)
    recurrent = network.recurrent[layer].reshape(above.shape[1], -1)
    sums = np.empty_like(slopes.c_by_sums)
    later_h, later_c = np.zeros_like(above[0]), np.zeros_like(above[0])
    for place in reversed(range(len(ids))):
        h = above[place] + later_h
        c = later_c + h * slopes.h_by_c[place]
        sums[place] = c * slopes.c_by_sums[place]
        sums[place, OUTPUT] = h * slopes.h_by_output_sum[place]
        later_h = recurrent @ sums[place].ravel() * network.goes_on[ids[place]]
        later_c = c * slopes.c_by_c_before[place]
    return sums
