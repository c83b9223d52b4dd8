"""Step graphs on ONNX Runtime, for the measurements of the training job."""

from pathlib import Path

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from model_store import fingerprint, steps_to_walk
from training.bar import track
from training.frozen.nodes import Floats
from training.network.unknown import mean_nats

Ids = NDArray[np.int64]

WINDOW = 256  # characters, the context of nanoGPT's character model
WINDOWS = 1024  # at most
ROWS = 64  # windows read side by side
PIECE = 256  # characters whose losses are computed together


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
    return _read(StepGraph(graph), ids)


def stream_loss(graph: Path, ids: Ids, doing: str = "measuring a graph") -> float:
    """Return the loss of a step graph over ids [N] in nats per character, from the zero state.

    `doing` is the label of the progress bar.
    """
    steps, losses = StepGraph(graph), []
    # In pieces: the logits [N, V] of the whole text may not fit into memory.
    starts = range(0, len(ids) - 1, PIECE)
    for start in track(doing, starts, len(starts)):
        piece = ids[start : start + PIECE + 1]
        losses.append(_losses(_read(steps, piece[:-1]), piece[1:]))
    return mean_nats(np.concatenate(losses))


def windows_loss(graph: Path, ids: Ids) -> float:
    """Return the loss of a step graph over windows of ids [N], each read from the zero state.

    The loss is the mean in nats over all characters of WINDOWS windows of WINDOW characters. nanoGPT
    draws the windows at random; windows at equal distances have the same mean and less noise.
    """
    length = min(WINDOW, len(ids) - 1)
    starts = np.unique(np.linspace(0, len(ids) - 1 - length, WINDOWS, dtype=np.int64))
    batches = np.array_split(starts, -(-len(starts) // ROWS))
    along = track("measuring windows", batches, len(batches))
    return mean_nats(np.concatenate([_cold_losses(graph, ids, batch, length) for batch in along]))


def _cold_losses(graph: Path, ids: Ids, starts: Ids, length: int) -> NDArray[np.float64]:
    """Return the losses [length · B] of windows of ids [N] that begin at starts [B]."""
    steps = StepGraph(graph, len(starts))
    positions = starts + np.arange(length)[:, None]  # [length, B]
    return np.concatenate([_losses(steps.step(ids[at]), ids[at + 1]) for at in positions])


def _losses(logits: Floats, targets: Ids) -> NDArray[np.float64]:
    """Return −log softmax(logits)[target], [B], of logits [B, V] and targets [B]."""
    chosen = np.take_along_axis(logits, targets[:, None], axis=1)[:, 0]
    losses: NDArray[np.float64] = np.logaddexp.reduce(logits.astype(np.float64), axis=1) - chosen
    return losses


def _read(steps: StepGraph, ids: Ids) -> Floats:
    """Return the logits [N, V] of a step graph after each of ids [N]."""
    return np.concatenate([steps.step(ids[at : at + 1]) for at in range(len(ids))])
