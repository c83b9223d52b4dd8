"""The weights of a network as plain arrays, read from a Keras model and written into one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from training.frozen.nodes import Floats

if TYPE_CHECKING:
    import keras

    from training.network.cells import Cell


@dataclass(frozen=True)
class Layer:
    """One recurrent layer of G gates: kernel [inputs, G·u], recurrent [u, G·u], bias [G·u].

    The order of the gates is the one of `training.network.cells`.
    """

    kernel: Floats
    recurrent: Floats
    bias: Floats


@dataclass(frozen=True)
class Weights:
    """All weights of the network: embedding [V, e], layers, output [u, V], output_bias [V].

    The state is zero before each id `text_end`, if given.
    """

    cell: str
    embedding: Floats
    layers: list[Layer]
    output: Floats
    output_bias: Floats
    text_end: int | None = None


def weights_of(model: keras.Model, cell: str) -> Weights:
    """Return the weights of a model made by `build_model` with cells of this kind.

    The output bias includes the mask of the unknown symbol.
    """
    logits = model.get_layer("logits")
    output, output_bias = logits.get_weights()
    return Weights(
        cell=cell,
        embedding=model.get_layer("embedding").get_weights()[0],
        layers=[Layer(*layer.get_weights()) for layer in cells_of(model)],
        output=output,
        output_bias=output_bias + logits.mask,
        text_end=next((layer.text_end for layer in model.layers if layer.name == "goes_on"), None),
    )


def cells_of(model: keras.Model) -> list[Cell]:
    """Return the recurrent layers of a model, from the lowest to the highest."""
    return [layer for layer in model.layers if layer.name.startswith("cell")]


def load_weights(model: keras.Model, weights: Weights) -> None:
    """Set the weights of a model made by `build_model`."""
    model.get_layer("embedding").set_weights([weights.embedding])
    for number, layer in enumerate(weights.layers):
        cell = model.get_layer(f"cell{number}")
        cell.set_weights([layer.kernel, layer.recurrent, layer.bias])
    logits = model.get_layer("logits")
    # The layer adds the mask to the bias, so the bias must not include the mask.
    logits.set_weights([weights.output, np.where(logits.mask, 0, weights.output_bias)])
