"""charloom: the service's engine and sampler, in as many threads as in the service."""

import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnx

from benchmarks.peers.draw import Drawer
from benchmarks.weights import random_weights
from model_store import contents
from service.engine.batch import DRAWN, RUN, Batch, Ids
from service.engine.onnx_engine import OnnxEngine
from training.frozen.graph import step_graph


def open_engine() -> OnnxEngine:
    """Return the engine with the random weights, quantised."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, contents.INT8_GRAPH)
        onnx.save(step_graph(random_weights(), int8=True), str(path))
        return OnnxEngine(path)


class Charloom:
    """One engine; each thread has a batch of its own, as in the service."""

    def __init__(self) -> None:
        self._engine = open_engine()
        self._threads = len(os.sched_getaffinity(0))
        self._pool = ThreadPoolExecutor(self._threads)

    def generate(self, sequences: int, characters: int) -> None:
        """Generate that many characters of each sequence."""
        shares = [part.size for part in np.array_split(np.arange(sequences), self._threads)]
        first_seeds = np.cumsum([0, *shares[:-1]]).tolist()
        rows = [(share, seed) for share, seed in zip(shares, first_seeds, strict=True) if share]
        done = [self._pool.submit(self._run, share, seed, characters) for share, seed in rows]
        for each in done:
            each.result()

    def _run(self, rows: int, first_seed: int, characters: int) -> None:
        batch, drawer = self._engine.batch(rows), Drawer(rows, first_seed)
        _follow(batch, drawer, np.full((characters, rows), DRAWN))


class Prefill:
    """The prefill of a seed text: one step for each character, and one draw at the end."""

    def __init__(self) -> None:
        self._engine = open_engine()

    def read(self, sequences: int, characters: int) -> None:
        """Read that many characters, and draw the next character."""
        known = np.zeros((characters, sequences), np.int64)
        known[-1] = DRAWN
        _follow(self._engine.batch(sequences), Drawer(sequences), known)


def _follow(batch: Batch, drawer: Drawer, known: Ids) -> None:
    """Feed the character 0 and then the known [characters, rows], or drawn ones where it says DRAWN."""
    ids = np.zeros(known.shape[1], np.int64)
    for position in range(0, len(known), RUN):
        part = known[position : position + RUN]
        uniforms = drawer.uniforms(position, len(part))
        ids = batch.run(ids, part, uniforms, drawer.steepness)[-1]
