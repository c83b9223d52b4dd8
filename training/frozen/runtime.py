"""Step graphs on ONNX Runtime, as the job itself runs them."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from model_store import fingerprint, rows_to_walk
from training.frozen.nodes import Floats

Ids = NDArray[np.int64]


class StepGraph:
    """A step graph on ONNX Runtime, and the state of its rows."""

    def __init__(self, graph: Path | bytes, rows: int = 1) -> None:
        """Open a graph, of a file or of its bytes, with all rows in the zero state."""
        self._session = ort.InferenceSession(graph, providers=["CPUExecutionProvider"])
        ids, *parts = self._session.get_inputs()
        self._names = [ids.name, *(part.name for part in parts)]
        self.vocabulary_size: int = self._session.get_outputs()[0].shape[1]
        self.state: Floats = np.zeros((len(parts), rows, parts[0].shape[1]), np.float32)

    def step(self, ids: Ids) -> Floats:
        """Advance the first B rows by ids [B] and return their logits [B, V]."""
        state = self.state[:, : len(ids)]
        feed = dict(zip(self._names, [ids, *state], strict=True))
        logits: Floats
        logits, *state[:] = self._session.run(None, feed)
        return logits


def fingerprint_of(graph: Path | bytes) -> str:
    """Return a step graph's fingerprint on this processor."""
    size = StepGraph(graph).vocabulary_size
    return fingerprint(StepGraph(graph, rows_to_walk(size)), size)


def stream_logits(graph: Path, ids: Ids) -> Floats:
    """Return the logits [N, V] of a step graph after each of ids [N], from the zero state."""
    return np.stack(list(logits_along(graph, ids)))


def logits_along(graph: Path, ids: Ids) -> Iterator[Floats]:
    """Yield the logits [V] after each id; a large vocabulary over a long text is not kept."""
    steps = StepGraph(graph)
    for place in range(len(ids)):
        yield steps.step(ids[place : place + 1])[0]
