"""The trained model, frozen three ways: int8 and fp32 ONNX step graphs, TensorFlow SavedModel."""

from collections.abc import Callable
from pathlib import Path

import keras
import onnx
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from model_store import contents
from training.bar import track
from training.config import TrainingConfig
from training.frozen.graph import step_graph
from training.frozen.weights import cells_of, weights_of
from training.interrupts import deferred
from training.network.cells import CELLS
from training.space import as_os_errors


def export(model: keras.Model, config: TrainingConfig, folder: Path, *, int8: bool = True) -> None:
    """Write the frozen forms of a float32 model into the folder; the int8 graph is left out on request."""
    weights = weights_of(model, config.cell)
    forms: list[Callable[[], None]] = [
        lambda: onnx.save(step_graph(weights, int8=False), str(folder / contents.FP32_GRAPH)),
        lambda: _save_tensorflow(model, config, folder / contents.SAVED_MODEL),
    ]
    if int8:
        graph = folder / contents.INT8_GRAPH
        forms.append(lambda: onnx.save(step_graph(weights, int8=True), str(graph)))
    for write in track("exporting", forms, len(forms)):
        write()


@deferred()
def _save_tensorflow(model: keras.Model, config: TrainingConfig, folder: Path) -> None:
    """Save a SavedModel of one step whose weights are constants, as the lecture froze its graph."""
    cells = cells_of(model)
    parts = CELLS[config.cell].states
    embedding, output = model.get_layer("embedding"), model.get_layer("logits")
    resets = [layer for layer in model.layers if layer.name == "goes_on"]
    names = [f"{part}{layer}" for layer in range(config.layers) for part in parts]
    signature = [
        tf.TensorSpec([None], tf.int64, name="ids"),
        *(tf.TensorSpec([None, config.units], tf.float32, name=name) for name in names),
    ]

    @tf.function(input_signature=signature)
    def step(ids: tf.Tensor, *state: tf.Tensor) -> list[tf.Tensor]:
        x = tf.gather(embedding.embeddings, ids)
        for goes_on in resets:
            state = tuple(goes_on(ids) * part for part in state)
        state_out: list[tf.Tensor] = []
        for layer, cell in enumerate(cells):
            first = layer * len(parts)  # the state lists the parts layer by layer
            after = cell.step(x, list(state[first : first + len(parts)]))
            state_out += after
            x = after[0]
        return [output(x), *state_out]

    frozen = convert_variables_to_constants_v2(step.get_concrete_function())

    @tf.function(input_signature=signature)
    def named_step(ids: tf.Tensor, *state: tf.Tensor) -> dict[str, tf.Tensor]:
        logits, *state_out = frozen(ids, *state)
        next_names = (f"{name}_next" for name in names)
        return {"logits": logits} | dict(zip(next_names, state_out, strict=True))

    with as_os_errors():
        tf.saved_model.save(tf.Module(), str(folder), signatures=named_step)
