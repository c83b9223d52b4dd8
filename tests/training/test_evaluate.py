"""The validation loss is over the held-out text in order, with the state carried."""

import math
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import onnx
import pytest
import tensorflow as tf

from tests.training.small import Training
from training.corpus.split import Split
from training.frozen.graph import step_graph
from training.frozen.runtime import stream_logits, stream_loss
from training.frozen.weights import weights_of
from training.learning import evaluate
from training.learning.epochs import bits
from training.learning.evaluate import CHUNK, POSITIONS, STREAMS, WARMUP, validation_loss
from training.network.model import build_model

TOLERANCE = 0.002  # nats: one stream starts in the zero state, parallel streams start warmed up


@pytest.fixture(scope="module")
def model(trained: Training) -> keras.Model:
    model = build_model(trained.run.info.config, len(trained.vocabulary), "float32")
    model.set_weights(trained.run.best_weights())
    return model


@pytest.fixture(scope="module")
def graph(model: keras.Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("graph") / "model.onnx"
    onnx.save(step_graph(weights_of(model, "lstm"), int8=False), str(path))
    return path


def loss_step_by_step(graph: Path, ids: np.ndarray, warm: int) -> float:
    """The loss of one stream over the targets after the first `warm` ones, in nats per character."""
    logits = stream_logits(graph, ids[:-1].astype(np.int64)).astype(np.float64)[warm:]
    likelihoods = np.exp(logits)[np.arange(len(logits)), ids[warm + 1 :]] / np.exp(logits).sum(1)
    return float(-np.log(likelihoods).mean())


def test_parallel_streams_agree_with_one(
    trained: Training, model: keras.Model, graph: Path
) -> None:
    """32 warmed-up streams have the loss of a single stream."""
    text = Split(np.tile(trained.text.ids, 3), trained.text.cut)
    assert len(text.validation) > STREAMS * 4 * WARMUP
    one = loss_step_by_step(graph, text.ids[text.cut :], warm=0)
    assert validation_loss(model, trained.run.info.config, text) == pytest.approx(
        one, abs=TOLERANCE
    )


@pytest.mark.parametrize("length", [50, 2 * CHUNK + 17])
def test_a_short_text_is_read_by_one_stream(
    trained: Training, model: keras.Model, graph: Path, length: int
) -> None:
    """A short held-out text is read as one stream, warmed up on the end of the training text."""
    text = Split(trained.text.ids[: trained.text.cut + length], trained.text.cut)
    expected = loss_step_by_step(graph, text.ids[text.cut - WARMUP :], warm=WARMUP)
    measured = validation_loss(model, trained.run.info.config, text)
    assert measured == pytest.approx(expected, abs=1e-4)


def test_a_short_training_text_warms_up_as_far_as_it_reaches(
    trained: Training, model: keras.Model, graph: Path
) -> None:
    """If the training text is shorter than a warm-up, all of it warms up the state."""
    text = Split(trained.text.ids[:300], cut=100)
    expected = loss_step_by_step(graph, text.ids, warm=100)
    measured = validation_loss(model, trained.run.info.config, text)
    assert measured == pytest.approx(expected, abs=1e-4)


def test_of_a_long_text_the_first_characters_are_measured(
    trained: Training, model: keras.Model
) -> None:
    """The loss is that of the text cut after `validation_characters`."""
    config, text = trained.run.info.config, trained.text
    measured = validation_loss(
        model, config.model_copy(update={"validation_characters": 4000}), text
    )
    cut = Split(text.ids[: text.cut + 4000], text.cut)
    assert measured == validation_loss(model, config, cut)
    assert measured != validation_loss(model, config, text)


def test_long_windows_are_measured_few_at_once(
    trained: Training, model: keras.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At most POSITIONS characters of windows are read at once, and at least one window."""
    sizes = []

    def losses(
        _: keras.Model, inputs: np.ndarray, *__: object
    ) -> tuple[tf.Tensor, list[tf.Tensor]]:
        sizes.append(inputs.shape)
        return tf.zeros(inputs.shape), []

    monkeypatch.setattr(evaluate, "_losses", losses)
    for length in (25, 1000, POSITIONS + 100):
        sizes.clear()
        changes = {"window_stride": 3, "sequence_length": length}
        config = trained.run.info.config.model_copy(update=changes)
        assert validation_loss(model, config, Split(np.zeros(length + 500, np.uint8), cut=0)) == 0
        assert sum(rows for rows, _ in sizes) == 500
        assert max(rows for rows, _ in sizes) <= max(1, POSITIONS // length)


def test_only_the_held_out_text_counts(trained: Training, model: keras.Model) -> None:
    """A training text that differs before the warm-up leaves the loss unchanged."""
    config, text = trained.run.info.config, trained.text
    ids = text.ids.copy()
    ids[: text.cut - WARMUP] = 0
    assert validation_loss(model, config, replace(text, ids=ids)) == validation_loss(
        model, config, text
    )


def test_the_exported_graphs_loss_is_the_mean_of_its_logits(trained: Training, graph: Path) -> None:
    """`stream_loss` is the cross entropy of `stream_logits` with the next characters."""
    ids = trained.text.validation[:200].astype(np.int64)
    expected = loss_step_by_step(graph, ids, warm=0)
    assert stream_loss(graph, ids) == pytest.approx(expected, abs=1e-6)


def test_bits_are_nats_by_the_logarithm_of_two() -> None:
    """One bit is ln 2 nats."""
    assert bits(math.log(2)) == 1.0
    assert bits(1.5) == pytest.approx(2.1640426)
