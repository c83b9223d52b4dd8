"""No processor's integer products can be wrong in a graph that this job makes."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

import training.frozen.parity
from model_store import BUNDLED, ModelStore
from tests.factories import CellName, eight_bit, random_weights, write_graph
from training.errors import ParityError
from training.frozen.graph import step_graph
from training.frozen.integers import is_current, requantised, with_exact_products
from training.frozen.nodes import ACTIVATION_SCALE, ACTIVATION_ZERO_POINT
from training.frozen.parity import exact_fingerprint
from training.frozen.runtime import StepGraph, fingerprint_of
from training.network.cells import CELLS

INT16 = 32_767


def int8_graph(cell: CellName = "lstm", layers: int = 1) -> onnx.ModelProto:
    return step_graph(random_weights(layers, units=33, cell=cell), int8=True)


def bundled_graphs() -> dict[str, onnx.ModelProto]:
    store = ModelStore(BUNDLED)
    versions = [store.open(*store.resolve(name)) for name in store.names()]
    return {one.manifest.name: onnx.load(one.file("model.int8.onnx")) for one in versions}


def largest_pair(graph: onnx.ModelProto) -> int:
    """The largest sum of two neighbouring products that the graph's int8 matrices allow.

    Without VNNI, ONNX Runtime adds such pairs in 16 bits.
    """
    constants = {one.name: numpy_helper.to_array(one) for one in graph.graph.initializer}
    activation = constants[ACTIVATION_ZERO_POINT] + round(1 / float(constants[ACTIVATION_SCALE]))
    matrices = [np.abs(one.astype(int)) for one in constants.values() if one.dtype == np.int8]
    assert matrices
    evened = [np.pad(one, ((0, len(one) % 2), (0, 0))) for one in matrices]
    return max(int((one[0::2] + one[1::2]).max()) for one in evened) * int(activation)


@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("cell", CELLS)
def test_no_pair_of_products_saturates(cell: CellName, layers: int) -> None:
    """Two products of the largest activation and neighbouring weights fit into 16 bits."""
    assert largest_pair(int8_graph(cell, layers)) <= INT16


@pytest.mark.parametrize("name", ["faust", "shakespeare"])
def test_no_pair_of_a_bundled_model_saturates(name: str) -> None:
    """The bundled models are safe on processors without VNNI."""
    assert largest_pair(bundled_graphs()[name]) <= INT16


def test_an_early_graph_saturates() -> None:
    """With activations of eight bits there are pairs beyond 16 bits."""
    assert largest_pair(eight_bit(int8_graph())) > INT16


@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("cell", CELLS)
def test_integer_products_are_exact(tmp_path: Path, cell: CellName, layers: int) -> None:
    """On this processor the int8 graph computes, bit for bit, what exact arithmetic does."""
    path = write_graph(tmp_path / "g.onnx", random_weights(layers, units=33, cell=cell))
    assert exact_fingerprint(path) == fingerprint_of(path)


def test_exact_products_notice_a_wrong_weight(tmp_path: Path) -> None:
    """A single weight off by one is another fingerprint."""
    graph = with_exact_products(int8_graph())
    before = fingerprint_of(graph.SerializeToString())
    (weight,) = [one for one in graph.graph.initializer if one.name == "output_weight"]
    values = numpy_helper.to_array(weight).copy()
    values[3, 5] += np.int8(1) if values[3, 5] < 0 else np.int8(-1)
    weight.CopyFrom(numpy_helper.from_array(values, weight.name))
    assert fingerprint_of(graph.SerializeToString()) != before


def test_a_processor_that_saturates_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where integer products differ from exact ones, that is the error, with the remedy.

    No processor here computes wrongly, so other weights stand in for other products.
    """
    path = write_graph(tmp_path / "g.onnx", random_weights(units=33))
    monkeypatch.setattr(training.frozen.parity, "with_exact_products", lambda _: int8_graph("gru"))
    with pytest.raises(
        ParityError, match=r"multiplies integers wrongly.*saturate.*another machine"
    ):
        exact_fingerprint(path)


@pytest.mark.parametrize("cell", CELLS)
def test_requantised_graphs_compute_nearly_the_same(cell: CellName) -> None:
    """An early graph, quantised anew, is as today's graph of the same weights."""
    today = int8_graph(cell, layers=2)
    early = eight_bit(today)
    assert is_current(today)
    assert not is_current(early)
    again = requantised(early)
    assert is_current(again)
    for mine, other in zip(again.graph.initializer, today.graph.initializer, strict=True):
        np.testing.assert_allclose(
            numpy_helper.to_array(mine), numpy_helper.to_array(other), rtol=1e-6
        )
    ids = np.random.default_rng(0).integers(50, size=(40, 3))
    # The early graph saturates on some processors, so exact arithmetic computes it.
    graphs = (with_exact_products(early), again)
    steps = [StepGraph(graph.SerializeToString(), rows=3) for graph in graphs]
    expected, logits = ([step.step(row) for row in ids][-1] for step in steps)
    assert 0 < np.abs(logits - expected).mean() < 0.1 * expected.std()
