"""One factor on the logits makes the probabilities as sure as they are right."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.training.small import Training
from training.frozen.export import export
from training.frozen.runtime import stream_loss
from training.network.model import build_model
from training.network.unknown import NEVER
from training.publishing.calibration import best_factor, calibrate
from training.publishing.metrics import FACTOR, UNCALIBRATED_NATS


def drawn(steepness: float, rows: int = 20_000) -> tuple[np.ndarray, np.ndarray]:
    """Logits that are `steepness` times those that the targets were drawn from."""
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (rows, 6)).astype(np.float32)
    return steepness * logits, (logits + rng.gumbel(size=logits.shape)).argmax(axis=1)


@pytest.mark.parametrize("steepness", [0.8, 1.0, 1.25])
def test_the_factor_undoes_what_is_too_sure(steepness: float) -> None:
    """Logits that are too steep or too flat by a factor get the inverse factor."""
    assert best_factor(*drawn(steepness)) == pytest.approx(1 / steepness, rel=0.02)


def test_the_unknown_symbol_is_not_counted() -> None:
    """Targets that are never predicted change no factor."""
    logits, targets = drawn(1.25, rows=500)
    logits[:, 5] = NEVER
    known = targets != 5
    assert best_factor(logits, targets) == best_factor(logits[known], targets[known])


def test_the_factor_is_in_the_output_layer(trained: Training, tmp_path: Path) -> None:
    """A model too sure by a factor of two gets a lower loss, and the factor is in the exported graph."""
    config = trained.run.info.config.model_copy(update={"validation_characters": 3000})
    model = build_model(config, len(trained.vocabulary), "float32")
    model.set_weights(trained.run.best_weights())
    output = model.get_layer("logits")
    output.set_weights([2 * weight for weight in output.get_weights()])
    steep = output.get_weights()[0]
    found = calibrate(model, config, trained.text)
    np.testing.assert_allclose(output.get_weights()[0], found[FACTOR] * steep, rtol=1e-5)
    export(model, config, tmp_path)
    ids = trained.text.validation[:3000].astype(np.int64)
    assert stream_loss(tmp_path / "model.onnx", ids) < found[UNCALIBRATED_NATS] - 0.02


def test_the_slice_is_spread_over_the_held_out_text(trained: Training) -> None:
    """A model is too sure of a held-out text whose first tenth alone resembles the training text."""
    config, text = trained.run.info.config, trained.text
    model = build_model(config, len(trained.vocabulary), "float32")
    model.set_weights(trained.run.best_weights())
    alike = text.cut + len(text.validation) // 10
    noise = np.random.default_rng(0).permutation(text.ids[alike:])
    other = replace(text, ids=np.concatenate([text.ids[:alike], noise]))
    assert calibrate(model, config, other)[FACTOR] < 0.8
