"""The trained model, frozen three ways: int8 and fp32 ONNX step graphs, TensorFlow SavedModel."""

from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
import onnx
import onnxruntime as ort
import tensorflow as tf
from numpy.typing import NDArray
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from training.cells import CELLS, Cell
from training.config import TrainingConfig
from training.dataset import Split
from training.errors import ParityError
from training.graph import Layer, Weights, step_graph
from training.loss import mean_nats
from training.model import zero_state
from training.nodes import Floats
from training.space import as_os_errors

INT8_GRAPH = "model.int8.onnx"
FP32_GRAPH = "model.onnx"
SAVED_MODEL = "saved_model"

LOGIT_CHARACTERS = 500
MAX_LOGIT_ERROR = 1e-3
MAX_INT8_LOSS = 0.002  # nats per character


def export(model: keras.Model, config: TrainingConfig, folder: Path) -> None:
    """Write the three frozen forms of a float32 model into the folder."""
    weights = weights_of(model, config.cell)
    onnx.save(step_graph(weights, int8=True), str(folder / INT8_GRAPH))
    onnx.save(step_graph(weights, int8=False), str(folder / FP32_GRAPH))
    _save_tensorflow(model, config, folder / SAVED_MODEL)


def weights_of(model: keras.Model, cell: str) -> Weights:
    """Take the weights out of a model of such cells made by `build_model`."""
    logits = model.get_layer("logits")
    output, output_bias = logits.get_weights()
    return Weights(
        cell=cell,
        embedding=model.get_layer("embedding").get_weights()[0],
        layers=[Layer(*layer.get_weights()) for layer in _cells(model)],
        output=output,
        output_bias=output_bias + logits.mask,
    )


def _cells(model: keras.Model) -> list[Cell]:
    return [layer for layer in model.layers if isinstance(layer, Cell)]


def check_parity(
    model: keras.Model, config: TrainingConfig, text: Split, folder: Path
) -> dict[str, float]:
    """Compare the exported graphs on held-out text and return the measurements.

    Losses are nats per character over the held-out text (its first `validation_characters`), read in
    order as one stream with the state carried.

    Raises:
        ParityError: a graph strays further from its reference than it may.
    """
    ids = text.validation[: config.validation_characters].astype(np.int64)
    logit_error = _logit_error(model, config, ids[:LOGIT_CHARACTERS], folder / FP32_GRAPH)
    if not logit_error <= MAX_LOGIT_ERROR:
        raise ParityError(
            f"the fp32 graph's logits stray by {logit_error:.2g} from Keras "
            f"(allowed: {MAX_LOGIT_ERROR}); nothing was published"
        )
    fp32 = stream_loss(folder / FP32_GRAPH, ids)
    int8 = stream_loss(folder / INT8_GRAPH, ids)
    if not int8 - fp32 <= MAX_INT8_LOSS:
        raise ParityError(
            f"the int8 graph costs {int8 - fp32:.4f} nats per character more than fp32 "
            f"(allowed: {MAX_INT8_LOSS}); nothing was published"
        )
    return {"fp32_nats": fp32, "int8_nats": int8, "logit_error": logit_error}


def stream_loss(graph: Path, ids: NDArray[np.int64]) -> float:
    """Return nats per character of a step graph over ids [N], one stream from the zero state."""
    losses = [
        np.logaddexp.reduce(logits.astype(np.float64)) - logits[target]
        for logits, target in zip(_steps(graph, ids[:-1]), ids[1:], strict=True)
    ]
    return mean_nats(np.array(losses))


def stream_logits(graph: Path, ids: NDArray[np.int64]) -> Floats:
    """Return the logits [N, V] of a step graph after each of ids [N], from the zero state."""
    return np.stack(list(_steps(graph, ids)))


def _steps(graph: Path, ids: NDArray[np.int64]) -> Iterator[Floats]:
    """Yield the logits [V] after each id; a large vocabulary over a long text is not kept."""
    session = ort.InferenceSession(graph, providers=["CPUExecutionProvider"])
    names = [node.name for node in session.get_inputs()]
    state = [np.zeros((1, node.shape[1]), np.float32) for node in session.get_inputs()[1:]]
    for position in range(len(ids)):
        feed = dict(zip(names, [ids[position : position + 1], *state], strict=True))
        logits, *state = session.run(None, feed)
        yield logits[0]


def _logit_error(
    model: keras.Model, config: TrainingConfig, ids: NDArray[np.int64], graph: Path
) -> float:
    inputs = tf.constant(ids[None, :], tf.int32)
    reference = model([inputs, *zero_state(config, 1)])[0].numpy()[0]
    return float(np.abs(stream_logits(graph, ids) - reference).max())


def _save_tensorflow(model: keras.Model, config: TrainingConfig, folder: Path) -> None:
    """Freeze the step into constants, as the lecture froze its graph, and save it."""
    cells = _cells(model)
    parts = CELLS[config.cell].states
    embedding, output = model.get_layer("embedding"), model.get_layer("logits")
    names = [f"{part}{layer}" for layer in range(config.layers) for part in parts]
    signature = [
        tf.TensorSpec([None], tf.int64, name="ids"),
        *(tf.TensorSpec([None, config.units], tf.float32, name=name) for name in names),
    ]

    @tf.function(input_signature=signature)
    def step(ids: tf.Tensor, *state: tf.Tensor) -> list[tf.Tensor]:
        x = embedding(ids)
        state_out: list[tf.Tensor] = []
        for layer, cell in enumerate(cells):
            first = layer * len(parts)
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
