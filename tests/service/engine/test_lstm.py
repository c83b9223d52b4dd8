"""The gates of an LSTM are those that made its states, and its gradients are those of the loss."""

from dataclasses import replace

import numpy as np
import onnx
import pytest

from service.engine.inner.lstm import Inputs, Network, gates, gradient
from service.engine.inner.weights import network_of
from tests.factories import eight_bit, random_weights
from training.frozen.graph import step_graph
from training.frozen.integers import with_exact_products
from training.frozen.runtime import StepGraph
from training.frozen.weights import Weights

SYMBOLS = 12
UNITS = 16
TEXT_END = 5
# Each symbol once, so that every place has a row of its own in the table.
IDS = np.random.default_rng(0).permutation(SYMBOLS)


def _weights(layers: int, text_end: int | None = None) -> Weights:
    return replace(random_weights(layers, UNITS, SYMBOLS), text_end=text_end)


GRAPHS = {
    "fp32": step_graph(_weights(2), int8=False),
    "int8": step_graph(_weights(1), int8=True),
    "int8, three layers": step_graph(_weights(3), int8=True),
    "int8, short texts": step_graph(_weights(2, TEXT_END), int8=True),
    "int8, of an early job": with_exact_products(eight_bit(step_graph(_weights(2), int8=True))),
}


def _states(graph: onnx.ModelProto) -> np.ndarray:
    """The states that a graph computes over the ids."""
    steps = StepGraph(graph.SerializeToString())
    states = [steps.state[:, 0].copy()]
    for place in range(len(IDS)):
        steps.step(IDS[place : place + 1])
        states.append(steps.state[:, 0].copy())
    return np.stack(states)


@pytest.mark.parametrize("graph", GRAPHS.values(), ids=GRAPHS)
def test_the_gates_make_the_states(graph: onnx.ModelProto) -> None:
    """In each layer C = f · C before + i · C̃ and h = o · tanh C, for some of the units as for all."""
    network, states = network_of(graph.graph), _states(graph)
    for layer in range(len(network.recurrent)):
        before = states[:-1, 2 * layer + 1] * network.goes_on[IDS, None]
        hidden, cell = states[1:, 2 * layer], states[1:, 2 * layer + 1]
        every = gates(network, layer, IDS, states, np.arange(UNITS))
        i, f, o, candidate = every.swapaxes(0, 1)
        np.testing.assert_allclose(f * before + i * candidate, cell, atol=1e-5)
        np.testing.assert_allclose(o * np.tanh(cell), hidden, atol=1e-5)
        some = gates(network, layer, IDS, states, np.array([7, 2]))
        np.testing.assert_allclose(some, every[:, :, [7, 2]], atol=1e-6)


def _in_doubles(network: Network) -> Network:
    """The network with all weights in float64."""
    return replace(
        network,
        table=network.table.astype(float),
        recurrent=[one.astype(float) for one in network.recurrent],
        inputs=[Inputs(one.kernel.astype(float), one.bias.astype(float)) for one in network.inputs],
        output=network.output.astype(float),
        bias=network.bias.astype(float),
        goes_on=network.goes_on.astype(float),
    )


def _computed(network: Network) -> np.ndarray:
    """The states over the ids, computed from the gates alone."""
    units = np.arange(UNITS)
    states = np.zeros((len(IDS) + 1, 2 * len(network.recurrent), UNITS))
    for place, goes_on in enumerate(network.goes_on[IDS]):
        for layer in range(len(network.recurrent)):
            around = states[place : place + 2]
            i, f, o, candidate = gates(network, layer, IDS[[place]], around, units)[0]
            cell = f * around[0, 2 * layer + 1] * goes_on + i * candidate
            around[1, 2 * layer : 2 * layer + 2] = o * np.tanh(cell), cell
    return states


def _loss(network: Network, target: int) -> float:
    logits = _computed(network)[-1, -2] @ network.output + network.bias
    return float(np.logaddexp.reduce(logits) - logits[target])


@pytest.mark.parametrize(
    ("layers", "text_end"), [(1, None), (2, None), (3, TEXT_END)], ids=["1", "2", "3, short texts"]
)
def test_the_gradient_is_the_slope_of_the_loss(layers: int, text_end: int | None) -> None:
    """Each row's gradient is the central difference of the loss, and 0 before the last end of a text."""
    network = _in_doubles(network_of(step_graph(_weights(layers, text_end), int8=False).graph))
    table, target, small = network.table, 3, 1e-5
    found = gradient(network, IDS, _computed(network), target)
    assert found.shape == (len(IDS), 4, UNITS)
    for place in range(len(IDS)):
        for gate in range(4):
            entry = (IDS[place], gate, (5 * place + gate) % UNITS)
            table[entry] += small
            above = _loss(network, target)
            table[entry] -= 2 * small
            slope = (above - _loss(network, target)) / (2 * small)
            table[entry] += small
            assert found[place, gate, entry[2]] == pytest.approx(slope, abs=1e-8)
    begin = 0 if text_end is None else int(np.flatnonzero(text_end == IDS)[0])
    assert not found[:begin].any()
    assert found[begin:].any(axis=(1, 2)).all()


def test_the_gradient_of_an_int8_graph_is_near_that_of_its_fp32_graph() -> None:
    """Quantised weights and states of seven bits change the gradient by a few percent."""
    graphs = [step_graph(_weights(2), int8=int8) for int8 in (True, False)]
    quantised, exact = (
        gradient(network_of(graph.graph), IDS, _states(graph), target=3) for graph in graphs
    )
    assert np.linalg.norm(quantised - exact) < 0.1 * np.linalg.norm(exact)
