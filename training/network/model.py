"""The character model in Keras, its state an explicit input and output."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from model_store import processor_flags
from training.config import TrainingConfig
from training.interrupts import deferred
from training.network.cells import CELLS
from training.network.resets import GoesOn
from training.network.unknown import NEVER

# Standard deviation of the initial embeddings. With Keras' 0.03 the first cell hardly tells characters
# apart, and the first epoch is spent on spreading the embeddings (docs/training.md).
EMBEDDING_SPREAD = 2.0


class Embeddings(keras.layers.Layer):  # type: ignore[misc]
    """The embeddings [V, e] of all symbols; the first cell looks up rows.

    The product of the cell's kernel with V rows costs less than the product with the B · T rows of a
    batch.
    """

    def __init__(self, symbols: int, width: int, **options: Any) -> None:
        super().__init__(name="embedding", **options)
        one_hot = width == 0
        spread = keras.initializers.RandomNormal(stddev=EMBEDDING_SPREAD)
        self.embeddings = self.add_weight(
            (symbols, width or symbols),
            "identity" if one_hot else spread,
            trainable=not one_hot,
            name="embeddings",
        )

    def call(self, ids: tf.Tensor) -> tf.Tensor:  # noqa: ARG002
        """Return all embeddings, whatever the ids are."""
        return tf.convert_to_tensor(self.embeddings)


class Logits(keras.layers.Dense):  # type: ignore[misc]
    """The output layer; the symbol with the id `never`, if given, has probability 0."""

    def __init__(self, symbols: int, never: int | None, **options: Any) -> None:
        super().__init__(symbols, **options)
        self.mask = np.where(np.arange(symbols) == never, np.float32(NEVER), np.float32(0))

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """Return the logits [..., symbols] of hidden states x [..., u]."""
        return super().call(x) + self.mask


@deferred()
def build_model(
    config: TrainingConfig,
    vocabulary_size: int,
    policy: str,
    never: int | None = None,
    text_end: int | None = None,
) -> keras.Model:
    """Build embedding → recurrent layers → logits; the id `never` is an input and never an output.

    The state is zero before each id `text_end`, with which a text begins.

    Inputs: ids [B, T] int32 and the parts of the state, each [B, units].
    Outputs: logits [B, T, V] float32 and the parts of the state after the last step.

    Dropout is variational by default: one mask per sequence, the same at every time step
    (Gal and Ghahramani, 2016, https://arxiv.org/abs/1512.05287).
    """
    ids = keras.Input((None,), dtype="int32", name="ids")
    x, named = Embeddings(vocabulary_size, config.embedding)(ids), {"ids": ids}
    goes_on = None if text_end is None else GoesOn(text_end, name="goes_on")(ids)
    states_in: list[Any] = []
    states_out: list[Any] = []
    for layer in range(config.layers):
        state = [
            keras.Input((config.units,), name=f"{part}{layer}")
            for part in CELLS[config.cell].states
        ]
        cell = CELLS[config.cell](
            config.units, config.weight_drop, dtype=policy, name=f"cell{layer}"
        )
        x, last = cell(x, state, goes_on=goes_on, **named)
        named = {}  # the layers above read the hidden states of the layer below
        # [B, 1, units]: one mask for all steps of a sequence.
        mask = (None, 1, config.units) if config.dropout_mask == "sequence" else None
        x = keras.layers.Dropout(config.dropout, noise_shape=mask)(x)
        states_in += state
        states_out += last
    logits = Logits(vocabulary_size, never, name="logits")(x)
    return keras.Model([ids, *states_in], [logits, *states_out], name="character_model")


def zero_state(config: TrainingConfig, batch_size: int) -> list[tf.Tensor]:
    """Return the state before any character: the parts layer by layer, each [batch_size, units]."""
    parts = config.layers * len(CELLS[config.cell].states)
    return [tf.zeros((batch_size, config.units)) for _ in range(parts)]


def resolve_policy(precision: str) -> str:
    """Return the Keras dtype policy; `auto` is bfloat16 if the hardware multiplies bfloat16."""
    if precision != "auto":
        return precision
    return "mixed_bfloat16" if _has_bfloat16() else "float32"


def _has_bfloat16() -> bool:
    for gpu in tf.config.list_physical_devices("GPU"):
        major, _ = tf.config.experimental.get_device_details(gpu).get("compute_capability", (0, 0))
        return int(major) >= 8
    return bool(processor_flags() & {"avx512_bf16", "amx_bf16"})
