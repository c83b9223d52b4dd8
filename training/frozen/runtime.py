"""Step graphs on ONNX Runtime, for the measurements of the training job."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from model_store import fingerprint, steps_to_walk
from training.frozen.nodes import Floats
from training.network.unknown import mean_nats

Ids = NDArray[np.int64]


class StepGraph:
    """A step graph on ONNX Runtime, and the state of its rows [parts, rows, units]."""

    def __init__(self, graph: Path | bytes, rows: int = 1) -> None:
        """Open a graph from a file or from bytes, with every row in the zero state."""
        self._session = ort.InferenceSession(graph, providers=["CPUExecutionProvider"])
        ids, *parts = self._session.get_inputs()
        self._names = [ids.name, *(part.name for part in parts)]
        self.vocabulary_size: int = self._session.get_outputs()[0].shape[1]
        self.state: Floats = np.zeros((len(parts), rows, parts[0].shape[1]), np.float32)

    def step(self, ids: Ids) -> Floats:
        """Advance the first B rows by ids [B] and return their logits [B, V]."""
        state = self.state[:, : len(ids)]  # a view, so that the next state lands in `self.state`
        feed = dict(zip(self._names, [ids, *state], strict=True))
        logits: Floats
        logits, *state[:] = self._session.run(None, feed)
        return logits


def fingerprint_of(graph: Path | bytes) -> str:
    """Return the fingerprint of a step graph on this processor."""
    steps = steps_to_walk(StepGraph(graph).vocabulary_size)
    batch = StepGraph(graph, rows=max(map(len, steps)))
    return fingerprint([batch.step(ids) for ids in steps], batch.state)


def stream_logits(graph: Path, ids: Ids) -> Floats:
    """Return the logits [N, V] of a step graph after each of ids [N], from the zero state."""
    return np.stack(list(_logits_along(graph, ids)))


def stream_loss(graph: Path, ids: Ids) -> float:
    """Return the loss of a step graph over ids [N] in nats per character, from the zero state."""
    # −log softmax(logits)[target], one character at a time: [N, V] logits may not fit into memory.
    losses = [
        np.logaddexp.reduce(logits.astype(np.float64)) - logits[target]
        for logits, target in zip(_logits_along(graph, ids[:-1]), ids[1:], strict=True)
    ]
    return mean_nats(np.array(losses))


def _logits_along(graph: Path, ids: Ids) -> Iterator[Floats]:
    """Yield the logits [V] after each of ids [N], from the zero state."""
    steps = StepGraph(graph)
    for position in range(len(ids)):
        yield steps.step(ids[position : position + 1])[0]
