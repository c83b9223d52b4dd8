"""The batched step of frozen weights on ONNX Runtime."""

import os
from pathlib import Path

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # read once, when ONNX Runtime is imported

import numpy as np
import onnxruntime as ort

from service.engine.batch import Floats, Ids


class OnnxEngine:
    """The int8 step graph on ONNX Runtime."""

    def __init__(self, graph: Path) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1  # the calling thread: each worker has one of its own
        options.inter_op_num_threads = 1
        self.session = ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        self.inputs = [node.name for node in self.session.get_inputs()]
        self.outputs = [node.name for node in self.session.get_outputs()]
        self.states = self.inputs[1:]
        self.units: int = self.session.get_inputs()[1].shape[1]
        self.vocabulary_size: int = self.session.get_outputs()[0].shape[1]

    def batch(self, capacity: int) -> "OnnxBatch":
        """Return a batch of `capacity` rows, all in the zero state."""
        return OnnxBatch(self, capacity)


class OnnxBatch:
    """Rows of state that ONNX Runtime reads and writes in place.

    One array may be bound as input and output: a single node of the graph reads an old state, and
    the node that writes the new state depends on the result of the reading node.
    """

    def __init__(self, engine: OnnxEngine, capacity: int) -> None:
        self._engine = engine
        self._ids = np.zeros(capacity, np.int64)
        self._logits = np.zeros((capacity, engine.vocabulary_size), np.float32)
        self.state: Floats = np.zeros((len(engine.states), capacity, engine.units), np.float32)
        self._bindings: dict[int, ort.IOBinding] = {}

    def step(self, ids: Ids) -> Floats:
        """Advance the first B rows by ids [B]; return their logits [B, V].

        The logits are valid until the next step.
        """
        rows = len(ids)
        self._ids[:rows] = ids  # the array that is bound as input
        self._engine.session.run_with_iobinding(self._binding(rows))
        return self._logits[:rows]

    def _binding(self, rows: int) -> ort.IOBinding:
        if rows not in self._bindings:
            self._bindings[rows] = self._bind(rows)
        return self._bindings[rows]

    def _bind(self, rows: int) -> ort.IOBinding:
        """Bind the first rows of ids [B], logits [B, V] and each part of the state [B, units]."""
        binding = self._engine.session.io_binding()
        state = [part[:rows] for part in self.state]
        for name, array in zip(self._engine.inputs, [self._ids[:rows], *state], strict=True):
            binding.bind_input(name, "cpu", 0, array.dtype, array.shape, array.ctypes.data)
        for name, array in zip(self._engine.outputs, [self._logits[:rows], *state], strict=True):
            binding.bind_output(name, "cpu", 0, array.dtype, array.shape, array.ctypes.data)
        return binding
