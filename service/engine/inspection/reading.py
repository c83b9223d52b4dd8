"""Reading a text with an engine: the states after each character, and what an LSTM computes inside."""

import sys
from io import BytesIO

import numpy as np

from service.engine.batch import Engine, Floats
from service.engine.explain import describe, log_softmax
from service.engine.inspection.helper_process import answer_of
from service.engine.watch import Watch
from service.stream.details import REACH, Look, Reading
from service.stream.job import Ids


def read(engine: Engine, graph: str, ids: Ids, look: Look, watch: Watch) -> Reading:
    """Return what there is to see while an engine reads ids [N] from the zero state.

    `graph` is the path of the engine's step graph, whose weights are needed for gates and gradients.
    `watch` measures each step of the engine.

    Raises:
        ValueError: gates or a gradient are wanted, and the graph is none of an LSTM.
    """
    states, logits = _walk(engine, ids, watch)
    hidden = engine.states.index(f"h{look.layer}")
    # An LSTM has a cell state beside the hidden state; the other cells have the hidden state alone.
    cell = f"c{look.layer}"
    gates, gradient = np.empty((len(ids), 4, 0), np.float32), np.empty(0, np.float32)
    if look.gated or look.gradient_at:
        gates, gradient = _inner(graph, ids, states, look)
    return Reading(
        states[1:, hidden],
        states[1:, engine.states.index(cell) if cell in engine.states else hidden],
        describe(logits, logits.argmax(axis=1)),
        after=log_softmax(logits[-1:])[0],
        gates=gates,
        gradient=gradient,
    )


def _walk(engine: Engine, ids: Ids, watch: Watch) -> tuple[Floats, Floats]:
    """Feed ids [N] to a batch of one row.

    Return the states before the first and after each, [N + 1, parts, units], and the logits [N, V].
    """
    batch = engine.batch(1)
    states = np.zeros((len(ids) + 1, len(batch.state), batch.state.shape[2]), np.float32)
    logits = np.empty((len(ids), engine.vocabulary_size), np.float32)
    for place in range(len(ids)):
        with watch:
            logits[place] = batch.step(ids[place : place + 1])[0]
        states[place + 1] = batch.state[:, 0]
    return states, logits


def _inner(graph: str, ids: Ids, states: Floats, look: Look) -> tuple[Floats, Floats]:
    """Have gates and a gradient computed by a process of `service.engine.inner`."""
    at = look.gradient_at or 0
    asked = BytesIO()
    np.savez(
        asked,
        ids=ids,
        states=states,
        layer=look.layer,
        units=np.array(look.gated, np.int64),
        first=max(0, at - REACH),
        at=at,
    )
    command = [sys.executable, "-m", "service.engine.inner", graph]
    answer = np.load(BytesIO(answer_of(command, asked.getvalue())))
    return answer["gates"], answer["gradient"]
