"""The TensorFlow engine has the interface and the results of the ONNX engine."""

import json
from pathlib import Path

import numpy as np
import pytest

from model_store import ModelStore, Vocabulary
from service.engine.batch import Batch
from service.engine.onnx_engine import OnnxEngine
from tests.factories import SYMBOLS, description
from tests.servers import Service, serving


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with random weights, exported by the training job in all three forms."""
    from training.config import TrainingConfig
    from training.frozen.export import export
    from training.network.model import build_model

    folder = tmp_path_factory.mktemp("exported")
    config = TrainingConfig(layers=2, units=24, embedding=8)
    export(build_model(config, len(SYMBOLS), "float32"), config, folder)
    (folder / "vocabulary.json").write_text(Vocabulary(SYMBOLS).to_json(), encoding="utf-8")
    return folder


def test_agrees_with_the_onnx_engine(exported: Path) -> None:
    """Over 30 characters in 5 rows the logits and states of both engines agree in fp32."""
    from service.engine.tensorflow_engine import TensorFlowEngine

    tensorflow = TensorFlowEngine(exported / "saved_model")
    onnx = OnnxEngine(exported / "model.onnx")
    assert (tensorflow.units, tensorflow.vocabulary_size) == (onnx.units, onnx.vocabulary_size)
    batches: tuple[Batch, Batch] = tensorflow.batch(8), onnx.batch(8)
    for column in np.random.default_rng(0).integers(0, len(SYMBOLS), (30, 5)):
        logits, expected = (batch.step(column) for batch in batches)
        np.testing.assert_allclose(logits, expected, atol=1e-5)
    np.testing.assert_allclose(batches[0].state, batches[1].state, atol=1e-5)
    assert not batches[0].state[:, 5:].any()


def test_serves(exported: Path, tmp_path: Path) -> None:
    """`CHARLOOM_ENGINE=tensorflow` answers, shows gates, and answers a repeat from the cache."""
    ModelStore(tmp_path).publish("both", exported, description(layers=2, units=24))
    with serving(tmp_path / "log", store=tmp_path, model="both", engine="tensorflow") as running:
        answers = [running.generate(seed="Hello", length=40) for _ in range(2)]
        asked = {"text": "Hello", "layer": 1, "units": [3], "gates": True}
        kind = {"Content-Type": "application/json"}
        inspected = running.request("POST", "/inspect", json.dumps(asked), kind)
    assert [answer.headers["x-cache"] for answer in answers] == ["miss", "hit"]
    assert len(answers[0].json["text"]) == 40
    (unit,) = inspected.json["units"]
    shown = unit["gates"]["output"] * np.tanh(unit["cell"])
    np.testing.assert_allclose(unit["hidden"], shown, atol=1e-4)


def test_bundled_models_have_no_saved_model(tmp_path: Path) -> None:
    """Serving a model without a SavedModel on TensorFlow fails in a line with the file and the remedy."""
    with pytest.raises(AssertionError, match="ended with status"):
        Service(tmp_path / "log", store=tmp_path, engine="tensorflow")
    log = (tmp_path / "log").read_text()
    assert "was published without saved_model/saved_model.pb: use CHARLOOM_ENGINE=onnx, or" in log
    assert "Traceback" not in log
