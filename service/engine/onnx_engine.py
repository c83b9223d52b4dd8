"""The batched steps of frozen weights on ONNX Runtime."""

import os
import subprocess
import sys
from pathlib import Path

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # read once, when ONNX Runtime is imported

import numpy as np
import onnxruntime as ort

from service.engine.batch import RUN, Batch, Floats, Ids
from service.engine.sampler import Uniforms


class OnnxEngine:
    """A step graph in its loop model on ONNX Runtime; see `service.engine.loop`."""

    def __init__(self, graph: Path) -> None:
        self.session = _open(graph)
        inputs = self.session.get_inputs()
        self.states = [node.name.removeprefix("call/") for node in inputs[1:-5]]
        self.units: int = inputs[1].shape[1]
        self.vocabulary_size: int = inputs[-5].shape[1]

    def batch(self, capacity: int) -> "OnnxBatch":
        """Return a batch of `capacity` rows, all in the zero state."""
        return OnnxBatch(self, capacity)


class OnnxBatch(Batch):
    """Rows of state that ONNX Runtime reads and writes in place.

    One array may be bound as input and output: a single node of the graph reads an old state, and
    the node that writes the new state depends on the result of the reading node.
    """

    def __init__(self, engine: OnnxEngine, capacity: int) -> None:
        self._session = engine.session
        self.state: Floats = np.zeros((len(engine.states), capacity, engine.units), np.float32)
        self._ids = np.zeros(capacity, np.int64)
        self._logits = np.zeros((capacity, engine.vocabulary_size), np.float32)
        self._steepness = np.zeros((capacity, 1), np.float32)
        self._draws = np.zeros((), np.bool_)
        # For [K, B] of any call, one after another from the beginning.
        self._known, self._drawn = np.zeros((2, RUN * capacity), np.int64)
        self._uniforms = np.zeros(RUN * capacity)
        self._bindings: dict[tuple[int, int], ort.IOBinding] = {}

    def step(self, ids: Ids) -> Floats:
        """Advance the first B rows by ids [B]; return their logits [B, V].

        The logits are valid until the next step.
        """
        rows = len(ids)
        self._ids[:rows] = ids
        self._draws[()] = False
        self._call(1, rows)
        return self._logits[:rows]

    def run(self, ids: Ids, known: Ids, uniforms: Uniforms, steepness: Floats) -> Ids:
        """Advance the first B rows by K characters in one call; see `Batch.run`."""
        steps, rows = known.shape
        self._ids[:rows] = ids
        self._steepness[:rows, 0] = steepness
        self._draws[()] = (known < 0).any()
        self._known[: known.size] = known.ravel()
        self._uniforms[: known.size] = uniforms.ravel()
        self._call(steps, rows)
        drawn = self._drawn[: known.size].reshape(known.shape)
        return np.where(known < 0, drawn, known)

    def _call(self, steps: int, rows: int) -> None:
        """Run the loop model on the arrays of this batch."""
        if (steps, rows) not in self._bindings:
            self._bindings[steps, rows] = self._bind(steps, rows)
        self._session.run_with_iobinding(self._bindings[steps, rows])

    def _bind(self, steps: int, rows: int) -> ort.IOBinding:
        """Bind the first rows of each array, in the order of `service.engine.loop`."""
        binding = self._session.io_binding()
        carried = [self._ids[:rows], *(part[:rows] for part in self.state), self._logits[:rows]]
        known, drawn, uniforms = (
            array[: steps * rows] for array in (self._known, self._drawn, self._uniforms)
        )
        inputs = [
            *carried,
            known.reshape(steps, rows),
            uniforms.reshape(steps, rows, 1),
            self._steepness[:rows],
            self._draws,
        ]
        for node, array in zip(self._session.get_inputs(), inputs, strict=True):
            binding.bind_input(node.name, "cpu", 0, array.dtype, array.shape, array.ctypes.data)
        outputs = [*carried, drawn.reshape(steps, rows)]
        for node, array in zip(self._session.get_outputs(), outputs, strict=True):
            binding.bind_output(node.name, "cpu", 0, array.dtype, array.shape, array.ctypes.data)
        return binding


def _open(graph: Path) -> ort.InferenceSession:
    """Open the loop model of a step graph, built by a process that ends before the engine runs."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1  # the calling thread: each worker has one of its own
    options.inter_op_num_threads = 1
    # A file in memory: a session keeps bytes that it is given, but no file.
    with os.fdopen(os.memfd_create("loop model"), "wb") as file:
        build = [sys.executable, "-m", "service.engine.loop", str(graph)]
        built = subprocess.run(build, stdout=file, stderr=subprocess.PIPE, text=True, check=False)
        if built.returncode < 0:
            raise ValueError(
                f"the process that reads {graph} was lost, by signal {-built.returncode}: "
                "there may be too little memory"
            )
        if built.returncode:
            raise ValueError(f"{graph} is no step graph: {built.stderr.strip().splitlines()[-1]}")
        path = f"/proc/self/fd/{file.fileno()}"
        return ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
