"""The frozen forms compute what the trained model computes, or nothing is published."""

from pathlib import Path

import keras
import numpy as np
import onnx
import onnxruntime as ort
import pytest
import tensorflow as tf

from model_store import contents
from tests.factories import random_weights
from tests.training.small import Training, small_config
from training.config import TrainingConfig
from training.errors import ParityError
from training.frozen.export import export
from training.frozen.graph import step_graph
from training.frozen.int8 import MAX_INT8_LOSS
from training.frozen.nodes import quantize_columns
from training.frozen.parity import check_parity
from training.frozen.runtime import stream_logits
from training.frozen.weights import weights_of
from training.network.cells import CELLS
from training.network.model import build_model, zero_state

SYMBOLS = 30


TEXT_END = 4


def small_model(config: TrainingConfig, text_end: int | None = None) -> keras.Model:
    """A model with random weights and biases, so that exchanged parts change the logits."""
    model = build_model(config, SYMBOLS, "float32", text_end=text_end)
    rng = np.random.default_rng(3)
    model.set_weights([rng.normal(0, 0.4, w.shape).astype(np.float32) for w in model.get_weights()])
    return model


def keras_logits(model: keras.Model, config: TrainingConfig, ids: np.ndarray) -> np.ndarray:
    return np.asarray(model([tf.constant(ids[None], tf.int32), *zero_state(config, 1)])[0][0])


def graph_at(path: Path, model: keras.Model, *, int8: bool, cell: str = "lstm") -> Path:
    onnx.save(step_graph(weights_of(model, cell), int8=int8), str(path))
    return path


@pytest.fixture
def ids() -> np.ndarray:
    return np.random.default_rng(1).integers(SYMBOLS, size=40)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("layers", [1, 2, 3])
def test_the_fp32_graph_is_the_keras_model(
    tmp_path: Path, ids: np.ndarray, cell: str, layers: int
) -> None:
    """The fp32 graph gives the logits of Keras, step by step, for every network."""
    config = small_config(cell=cell, layers=layers)
    model = small_model(config, text_end=int(ids[20]))
    logits = stream_logits(graph_at(tmp_path / "g.onnx", model, int8=False, cell=cell), ids)
    np.testing.assert_allclose(logits, keras_logits(model, config, ids), atol=1e-5)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("int8", [False, True])
def test_a_text_begins_anew_in_the_graphs(
    tmp_path: Path, ids: np.ndarray, cell: str, int8: bool
) -> None:
    """In a model of texts, what follows a text end does not depend on what stands before."""
    config = small_config(cell=cell, layers=2)
    path = graph_at(tmp_path / "g.onnx", small_model(config, TEXT_END), int8=int8, cell=cell)
    text = np.concatenate([[TEXT_END], ids])
    logits = stream_logits(path, np.concatenate([ids, text]))
    np.testing.assert_array_equal(logits[len(ids) :], stream_logits(path, text))


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("layers", [1, 2, 3])
def test_the_int8_graph_is_close(tmp_path: Path, ids: np.ndarray, cell: str, layers: int) -> None:
    """The logits of the int8 graph are near those of Keras, and not equal."""
    config = small_config(cell=cell, layers=layers)
    model = small_model(config)
    reference = keras_logits(model, config, ids)
    assert reference.std() > 0.4
    logits = stream_logits(graph_at(tmp_path / "g.onnx", model, int8=True, cell=cell), ids)
    assert 0 < np.abs(logits - reference).mean() < 0.03


def test_the_graphs_signature_is_the_design(tmp_path: Path) -> None:
    """A step graph takes ids, h0, c0, … of any batch and gives logits, h0_next, c0_next, …."""
    path = graph_at(tmp_path / "g.onnx", small_model(small_config(layers=2)), int8=True)
    session = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
    assert [(node.name, node.type, node.shape) for node in session.get_inputs()] == [
        ("ids", "tensor(int64)", ["batch"]),
        *((name, "tensor(float)", ["batch", 16]) for name in ("h0", "c0", "h1", "c1")),
    ]
    assert [(node.name, node.shape) for node in session.get_outputs()] == [
        ("logits", ["batch", SYMBOLS]),
        *((f"{name}_next", ["batch", 16]) for name in ("h0", "c0", "h1", "c1")),
    ]


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the three frozen forms of one two-layer model of texts."""
    folder = tmp_path_factory.mktemp("exported")
    config = small_config(layers=2)
    export(small_model(config, TEXT_END), config, folder)
    return folder


def test_the_saved_model_names_its_parts(exported: Path) -> None:
    """The SavedModel's serving signature has the names of the step graph, for any batch."""
    signature = tf.saved_model.load(str(exported / contents.SAVED_MODEL)).signatures[
        "serving_default"
    ]
    inputs = signature.structured_input_signature[1]
    states = ["h0", "c0", "h1", "c1"]
    assert {name: spec.shape.as_list() for name, spec in inputs.items()} == {
        "ids": [None],
        **{name: [None, 16] for name in states},
    }
    assert inputs["ids"].dtype == tf.int64
    assert {
        name: spec.shape.as_list()[1] for name, spec in signature.structured_outputs.items()
    } == {
        "logits": SYMBOLS,
        **{f"{name}_next": 16 for name in states},
    }


def test_the_saved_model_agrees_with_the_fp32_graph(exported: Path) -> None:
    """From one state the SavedModel and the fp32 graph give the same logits and next state."""
    session = ort.InferenceSession(
        exported / contents.FP32_GRAPH, providers=["CPUExecutionProvider"]
    )
    rng = np.random.default_rng(2)
    feed: dict[str, np.ndarray] = {
        name: rng.normal(0, 0.5, (5, 16)).astype(np.float32) for name in ("h0", "c0", "h1", "c1")
    }
    feed["ids"] = np.array([TEXT_END, *rng.integers(SYMBOLS, size=4)])
    names = [node.name for node in session.get_outputs()]
    expected = dict(zip(names, session.run(names, feed), strict=True))
    signature = tf.saved_model.load(str(exported / contents.SAVED_MODEL)).signatures[
        "serving_default"
    ]
    found = signature(**{name: tf.constant(value) for name, value in feed.items()})
    assert found.keys() == expected.keys()
    for name, value in found.items():
        np.testing.assert_allclose(value, expected[name], atol=1e-5, err_msg=name)


def test_the_saved_model_is_frozen(exported: Path) -> None:
    """The weights of the SavedModel are constants, so nothing in it can be trained."""
    loaded = tf.saved_model.load(str(exported / contents.SAVED_MODEL))
    assert not loaded.signatures["serving_default"].variables
    stubs = (exported / contents.SAVED_MODEL / "variables").glob("*.data-*")
    assert sum(path.stat().st_size for path in stubs) < 1000


def test_columns_are_quantised_each_by_its_own_scale() -> None:
    """The largest weight of a column becomes ±127, and the error is at most half a step."""
    weight = np.random.default_rng(0).normal(0, [[1e-3, 1.0, 50.0]], (64, 3)).astype(np.float32)
    quantized, scale = quantize_columns(weight)
    assert quantized.dtype == np.int8
    assert scale.shape == (3,)
    assert list(np.abs(quantized.astype(int)).max(axis=0)) == [127, 127, 127]
    assert np.all(np.abs(quantized * scale - weight) <= 0.501 * scale)


@pytest.mark.parametrize("value", [0.0, 1e-40])
def test_a_column_without_weights_stays_zero(value: float) -> None:
    """A column of zeros quantises to zeros, with a normal, positive scale."""
    weight = np.full((4, 2), value, np.float32)
    weight[:, 1] = [1, -1, 0.5, 0]
    quantized, scale = quantize_columns(weight)
    assert not quantized[:, 0].any()
    assert scale[0] >= np.finfo(np.float32).tiny
    assert list(quantized[:, 1]) == [127, -127, 64, 0]


def test_a_graph_with_dead_columns_computes(tmp_path: Path, ids: np.ndarray) -> None:
    """A network of zeros gives zero logits, in int8 too."""
    model = build_model(small_config(), SYMBOLS, "float32")
    model.set_weights([np.zeros_like(weight) for weight in model.get_weights()])
    logits = stream_logits(graph_at(tmp_path / "g.onnx", model, int8=True), ids)
    np.testing.assert_array_equal(logits, np.zeros((len(ids), SYMBOLS)))


@pytest.fixture
def frozen(trained: Training, tmp_path: Path) -> tuple[keras.Model, Path]:
    """A trained model, and a folder with its graphs as `export` writes them."""
    model = build_model(trained.run.info.config, len(trained.vocabulary), "float32")
    model.set_weights(trained.run.best_weights())
    graph_at(tmp_path / contents.FP32_GRAPH, model, int8=False)
    graph_at(tmp_path / contents.INT8_GRAPH, model, int8=True)
    return model, tmp_path


def test_parity_measures_both_graphs(trained: Training, frozen: tuple[keras.Model, Path]) -> None:
    """Correct graphs pass the parity check, and the measurements are small."""
    model, folder = frozen
    found = check_parity(model, trained.run.info.config, trained.text, folder).metrics
    assert found["logit_error"] < 1e-4
    assert abs(found["int8_nats"] - found["fp32_nats"]) <= MAX_INT8_LOSS
    assert found["fp32_nats"] == pytest.approx(trained.run.best.validation_loss, abs=0.002)


@pytest.mark.parametrize("graph", [contents.FP32_GRAPH, contents.INT8_GRAPH])
def test_a_spoiled_graph_is_refused(
    trained: Training, frozen: tuple[keras.Model, Path], graph: str
) -> None:
    """A graph of other weights fails the parity check, and the error names the graph."""
    model, folder = frozen
    other = random_weights(units=trained.run.info.config.units, symbols=len(trained.vocabulary))
    onnx.save(step_graph(other, int8=graph == contents.INT8_GRAPH), str(folder / graph))
    kind = "int8" if graph == contents.INT8_GRAPH else "fp32"
    with pytest.raises(ParityError, match=f"the {kind} graph.*nothing was published"):
        check_parity(model, trained.run.info.config, trained.text, folder)


def test_a_slightly_spoiled_fp32_graph_is_refused(
    trained: Training, frozen: tuple[keras.Model, Path]
) -> None:
    """An output bias that is off by 0.01 fails the parity check."""
    model, folder = frozen
    weights = weights_of(model, "lstm")
    weights.output_bias[0] += 0.01
    onnx.save(step_graph(weights, int8=False), str(folder / contents.FP32_GRAPH))
    with pytest.raises(ParityError, match=r"stray by 0\.01"):
        check_parity(model, trained.run.info.config, trained.text, folder)


def test_a_graph_of_no_numbers_is_refused(
    trained: Training, frozen: tuple[keras.Model, Path]
) -> None:
    """A logit that is NaN fails the parity check."""
    model, folder = frozen
    weights = weights_of(model, "lstm")
    weights.output_bias[0] = np.nan
    onnx.save(step_graph(weights, int8=False), str(folder / contents.FP32_GRAPH))
    with pytest.raises(ParityError, match="stray by nan"):
        check_parity(model, trained.run.info.config, trained.text, folder)
