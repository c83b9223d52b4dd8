"""The engine computes each row independently of the other rows."""

from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest

from service.engine.onnx_engine import OnnxEngine
from tests.factories import random_weights, write_graph

STEPS = 12


@pytest.fixture(
    scope="module",
    params=[(1, 32, "lstm"), (2, 50, "lstm"), (3, 128, "lstm"), (2, 50, "gru"), (2, 50, "rnn")],
    ids=str,
)
def engine(request, tmp_path_factory) -> OnnxEngine:
    layers, units, cell = request.param
    path = tmp_path_factory.mktemp("engine") / "model.int8.onnx"
    return OnnxEngine(write_graph(path, random_weights(layers, units, cell=cell)))


def _run(engine: OnnxEngine, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Feed ids [B, STEPS]; return the logits [STEPS, B, V] and the final state."""
    batch = engine.batch(len(ids))
    logits = [batch.step(column).copy() for column in ids.T]
    return np.stack(logits), batch.state


@pytest.mark.parametrize("rows", [1, 2, 3, 4, 8, 16, 33, 63])
def test_same_bits_in_any_batch(engine: OnnxEngine, rows: int) -> None:
    """A row's logits and state have the same bits in a batch of any size."""
    ids = np.random.default_rng(1).integers(0, engine.vocabulary_size, (64, STEPS))
    full_logits, full_state = _run(engine, ids)
    logits, state = _run(engine, ids[:rows])
    assert np.array_equal(logits, full_logits[:, :rows])
    assert np.array_equal(state, full_state[:, :rows])


def test_same_bits_in_any_row(engine: OnnxEngine) -> None:
    """A row's logits do not depend on the row's place in the batch."""
    ids = np.random.default_rng(2).integers(0, engine.vocabulary_size, (17, STEPS))
    logits, _ = _run(engine, ids)
    reversed_logits, _ = _run(engine, ids[::-1])
    assert np.array_equal(logits, reversed_logits[:, ::-1])


def test_states_in_place(engine: OnnxEngine, tmp_path: Path) -> None:
    """One buffer for a state's input and output gives the bits of separate buffers."""
    ids = np.random.default_rng(3).integers(0, engine.vocabulary_size, (5, STEPS))
    logits, state = _run(engine, ids)
    session: ort.InferenceSession = engine.session
    separate = [np.zeros((5, engine.units), np.float32) for _ in engine.states]
    for step, column in enumerate(ids.T):
        feed = dict(zip(engine.inputs, [column, *separate], strict=True))
        expected, *separate = session.run(None, feed)
        assert np.array_equal(logits[step], expected)
    assert np.array_equal(state, np.stack(separate))


def test_logits_differ_by_row(engine: OnnxEngine) -> None:
    """Rows that read different characters get different logits."""
    batch = engine.batch(2)
    logits = batch.step(np.array([3, 4]))
    assert not np.allclose(logits[0], logits[1])
