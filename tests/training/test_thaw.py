"""The weights of a published version are read back as they were written."""

from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import onnx
import pytest
import tensorflow as tf

from model_store import BUNDLED, ModelStore, StoredModel, contents
from tests.factories import SYMBOLS, CellName, publish_random_model, random_weights
from training.config import TrainingConfig
from training.errors import TrainingError
from training.frozen.graph import step_graph
from training.frozen.runtime import stream_logits
from training.frozen.thaw import thaw
from training.frozen.weights import Weights, load_weights, weights_of
from training.network.cells import CELLS
from training.network.model import build_model, zero_state
from training.network.unknown import NEVER

IDS = np.random.default_rng(1).integers(len(SYMBOLS), size=60)


def bundled(root: Path, layers: int, cell: CellName) -> StoredModel:
    """A version with the int8 graph alone, as bundled versions are."""
    publish_random_model(root, layers=layers, units=16, cell=cell)
    return ModelStore(root).open("tiny", 1)


def whole(root: Path, weights: Weights, cell: CellName, embedding: int = 8) -> StoredModel:
    """A version with both graphs."""
    folder = root / "source"
    folder.mkdir()
    for name, int8 in ((contents.INT8_GRAPH, True), (contents.FP32_GRAPH, False)):
        onnx.save(step_graph(weights, int8=int8), str(folder / name))
    store = ModelStore(root / "store")
    manifest = bundled(root / "shape", len(weights.layers), cell).manifest
    shape = manifest.architecture.model_copy(update={"embedding": embedding})
    made = store.publish("tiny", folder, manifest.model_copy(update={"architecture": shape}))
    return store.open("tiny", made.version)


def logits(version: StoredModel, symbols: int) -> np.ndarray:
    """The logits of a Keras model with the thawed weights."""
    config = TrainingConfig(**version.manifest.architecture.model_dump())
    model: keras.Model = build_model(config, symbols, "float32")
    load_weights(model, thaw(version))
    ids = tf.constant(IDS[None] % symbols, tf.int32)
    return np.asarray(model([ids, *zero_state(config, 1)])[0][0])


@pytest.mark.parametrize("symbols", [5, len(SYMBOLS)])
@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("cell", CELLS)
def test_thawed_weights_compute_what_was_frozen(
    tmp_path: Path, cell: CellName, layers: int, symbols: int
) -> None:
    """Keras gives the logits of the fp32 graph, whether V is below or above the embedding width."""
    weights = random_weights(layers, units=16, symbols=symbols, cell=cell)
    version = whole(tmp_path, weights, cell)
    frozen = stream_logits(version.file(contents.FP32_GRAPH), IDS % symbols)
    np.testing.assert_allclose(logits(version, symbols), frozen, atol=2e-4)


@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("cell", CELLS)
def test_an_int8_graph_is_enough(tmp_path: Path, cell: CellName, layers: int) -> None:
    """The thawed weights of an int8 graph quantise to the same integers."""
    version = bundled(tmp_path, layers, cell)
    again = tmp_path / "again.onnx"
    onnx.save(step_graph(thaw(version), int8=True), str(again))
    frozen = stream_logits(version.file(contents.INT8_GRAPH), IDS)
    np.testing.assert_allclose(stream_logits(again, IDS), frozen, atol=1e-4)


@pytest.mark.parametrize("name", ["faust", "shakespeare"])
def test_the_bundled_models_thaw(name: str) -> None:
    """A bundled model has nearly the same logits in Keras as in its int8 graph."""
    store = ModelStore(BUNDLED)
    version = store.open(*store.resolve(name))
    served = stream_logits(version.file(contents.INT8_GRAPH), IDS)
    assert served.std() > 1
    assert np.abs(logits(version, version.manifest.vocabulary_size) - served).mean() < 0.03


def test_one_hot_characters_stay_so(tmp_path: Path) -> None:
    """A one-hot embedding is thawed as the identity."""
    drawn = random_weights(units=16)
    first = drawn.layers[0]
    kernel = np.random.default_rng(0).normal(size=(len(SYMBOLS), 64)).astype(np.float32)
    one_hot = replace(
        drawn,
        embedding=np.eye(len(SYMBOLS), dtype=np.float32),
        layers=[replace(first, kernel=kernel)],
    )
    version = whole(tmp_path, one_hot, "lstm", embedding=0)
    np.testing.assert_array_equal(thaw(version).embedding, one_hot.embedding)
    frozen = stream_logits(version.file(contents.FP32_GRAPH), IDS)
    np.testing.assert_allclose(logits(version, len(SYMBOLS)), frozen, atol=2e-4)


def test_a_symbol_that_is_never_written_stays_so(tmp_path: Path) -> None:
    """The logit of the unknown symbol is masked once, however often weights are thawed."""
    drawn = random_weights(units=16)
    bias = np.where(np.arange(len(SYMBOLS)) == 7, np.float32(NEVER), drawn.output_bias)
    version = whole(tmp_path, replace(drawn, output_bias=bias), "lstm")
    config = TrainingConfig(**version.manifest.architecture.model_dump())
    model: keras.Model = build_model(config, len(SYMBOLS), "float32", never=7)
    load_weights(model, thaw(version))
    np.testing.assert_array_equal(weights_of(model, "lstm").output_bias, bias)


def test_another_graph_is_refused(tmp_path: Path) -> None:
    """A graph that does not match its manifest is an error of one line."""
    other = step_graph(random_weights(2, 16), int8=True).SerializeToString()
    publish_random_model(tmp_path, layers=1, units=16, graph=other)
    with pytest.raises(TrainingError, match="weights of tiny@1 cannot be read"):
        thaw(ModelStore(tmp_path).open("tiny", 1))
