"""The batched step of a SavedModel on TensorFlow: the reference, and for TensorFlow's hardware."""

import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # read once, when TensorFlow is imported

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from service.engine.batch import Batch, Floats, Ids


class TensorFlowEngine:
    """The frozen fp32 step of the SavedModel."""

    def __init__(self, folder: Path) -> None:
        loaded = tf.saved_model.load(str(folder))
        self.step = loaded.signatures["serving_default"]
        _, inputs = self.step.structured_input_signature
        parts = ("h", "c") if "c0" in inputs else ("h",)
        layers = (len(inputs) - 1) // len(parts)
        self.states = [f"{part}{layer}" for layer in range(layers) for part in parts]
        self.units: int = inputs["h0"].shape[1]
        self.vocabulary_size: int = self.step.structured_outputs["logits"].shape[1]

    def batch(self, capacity: int) -> "TensorFlowBatch":
        """Return a batch of `capacity` rows, all in the zero state."""
        return TensorFlowBatch(self, capacity)


class TensorFlowBatch(Batch):
    """Rows of state that TensorFlow advances, copied in and out of tensors at each step."""

    def __init__(self, engine: TensorFlowEngine, capacity: int) -> None:
        self._engine = engine
        shape = (len(engine.states), capacity, engine.units)
        self.state: Floats = np.zeros(shape, np.float32)

    def step(self, ids: Ids) -> NDArray[np.float32]:
        """Advance the first B rows by ids [B]; return their logits [B, V]."""
        rows = len(ids)
        state = {
            name: tf.constant(part[:rows])
            for name, part in zip(self._engine.states, self.state, strict=True)
        }
        outputs = self._engine.step(ids=tf.constant(ids), **state)
        for name, part in zip(self._engine.states, self.state, strict=True):
            part[:rows] = outputs[f"{name}_next"].numpy()
        logits: NDArray[np.float32] = outputs["logits"].numpy()
        return logits
