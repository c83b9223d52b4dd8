"""The engine computes each row independently of the other rows, in any number of steps in a call."""

import sys
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.engine.batch import DRAWN, RUN, Batch
from service.engine.onnx_engine import OnnxEngine
from service.engine.sampler import steepness_of
from service.engine.schedule.scheduler import Scheduler
from service.stream.generation import Sampling
from service.stream.job import Job, Start
from service.stream.sequence import Sequence
from tests.factories import random_weights, write_graph

STEPS = 12


@pytest.fixture(
    scope="module",
    params=[(1, 32, "lstm"), (2, 50, "lstm"), (3, 128, "lstm"), (2, 50, "gru"), (2, 50, "rnn")],
    ids=str,
)
def graph(request, tmp_path_factory) -> Path:
    layers, units, cell = request.param
    path: Path = tmp_path_factory.mktemp("engine") / "model.int8.onnx"
    return write_graph(path, random_weights(layers, units, cell=cell))


@pytest.fixture(scope="module")
def engine(graph: Path) -> OnnxEngine:
    return OnnxEngine(graph)


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


def test_the_published_graph_computes_the_same(engine: OnnxEngine, graph: Path) -> None:
    """Inside the loop, with one buffer for a state's input and output, the graph has its own bits."""
    ids = np.random.default_rng(3).integers(0, engine.vocabulary_size, (5, STEPS))
    logits, state = _run(engine, ids)
    session = ort.InferenceSession(graph, providers=["CPUExecutionProvider"])
    states = {name: np.zeros((5, engine.units), np.float32) for name in engine.states}
    for step, column in enumerate(ids.T):
        expected, *values = session.run(None, {"ids": column, **states})
        states = dict(zip(engine.states, values, strict=True))
        assert np.array_equal(logits[step], expected)
    assert np.array_equal(state, np.stack(list(states.values())))


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, RUN),
    st.lists(
        st.tuples(st.sampled_from([0.0, 1e-30, 0.3, 1.0, 2.0]), st.integers(0, RUN)),
        min_size=1,
        max_size=9,
    ),
    st.integers(0, 2**32),
)
def test_several_steps_have_the_bytes_of_single_steps(
    engine: OnnxEngine, steps: int, rows: list[tuple[float, int]], seed: int
) -> None:
    """One call draws the ids that NumPy draws between single steps, at any temperature and prompt."""
    rng = np.random.default_rng(seed)
    temperature, prompt = (np.array(column) for column in zip(*rows, strict=True))
    ids = rng.integers(0, engine.vocabulary_size, len(rows))
    read = rng.integers(0, engine.vocabulary_size, (steps, len(rows)))
    known = np.where(np.arange(steps)[:, None] < prompt, read, DRAWN)
    uniforms = rng.random((steps, len(rows)))
    at_once, singly = engine.batch(len(rows)), engine.batch(len(rows))
    arguments = (ids, known, uniforms, steepness_of(temperature))
    assert np.array_equal(at_once.run(*arguments), Batch.run(singly, *arguments))
    assert np.array_equal(at_once.state, singly.state)


@pytest.mark.parametrize("run", [1, 2, 5, RUN])
def test_a_text_is_the_same_with_any_number_of_steps_in_a_call(
    engine: OnnxEngine, run: int
) -> None:
    """Texts, states and snapshots are the same bytes alone and in company, whatever a call takes."""
    together = [_sequence(engine, number) for number in range(6)]
    _generate(engine, together, run)
    for number, sequence in enumerate(together):
        alone = _sequence(engine, number)
        _generate(engine, [alone], 1)
        assert _bytes(sequence) == _bytes(alone)


def _sequence(engine: OnnxEngine, number: int) -> Sequence:
    """Return a sequence that crosses a snapshot and a block, unlike those of other numbers."""
    rng = np.random.default_rng(number)
    prompt = rng.integers(0, engine.vocabulary_size, 1 + 7 * number)
    sampling = Sampling([0.0, 0.7, 1.0][number % 3], None, None, number)
    return Sequence(Job(Start(prompt), sampling, end=230 + 20 * number))


def _generate(engine: OnnxEngine, sequences: list[Sequence], run: int) -> None:
    batch = engine.batch(len(sequences))
    scheduler = Scheduler(batch, len(sequences), 400, engine.vocabulary_size, run=run)
    scheduler.waiting.extend(sequences)
    while not scheduler.idle:
        scheduler.step()


def _bytes(sequence: Sequence) -> list[bytes]:
    """The text, the end state and the snapshots."""
    assert sequence.ending is not None
    assert sequence.ending.state is not None
    states = [sequence.ending.state, *(each.state for each in sequence.ending.snapshots)]
    return [sequence.ids.tobytes(), *(state.tobytes() for state in states)]


def test_logits_differ_by_row(engine: OnnxEngine) -> None:
    """Rows that read different characters get different logits."""
    batch = engine.batch(2)
    logits = batch.step(np.array([3, 4]))
    assert not np.allclose(logits[0], logits[1])


def test_a_killed_reader_of_the_graph(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the process that reads the graph is killed, the error names the signal, not the graph's form."""
    killed = tmp_path / "python"
    killed.write_text("#!/bin/sh\nkill -KILL $$\n", encoding="utf-8")
    killed.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(killed))
    with pytest.raises(ValueError, match=r"lost, by signal 9: there may be too little memory"):
        OnnxEngine(tmp_path / "model.int8.onnx")
