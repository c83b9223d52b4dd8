"""The character LSTM as a Keras model with its state as explicit inputs and outputs."""

from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from training.config import TrainingConfig


def build_model(config: TrainingConfig, vocabulary_size: int, policy: str) -> keras.Model:
    """Build embedding → LSTM stack → logits.

    Inputs: ids [B, T] int32 and, per layer, hidden and cell state [B, units].
    Outputs: logits [B, T, vocabulary] float32 and the states after the last step.

    Dropout is variational: one mask per sequence, the same at every time step
    (Gal and Ghahramani, 2016, https://arxiv.org/abs/1512.05287).
    """
    ids = keras.Input((None,), dtype="int32", name="ids")
    x = keras.layers.Embedding(vocabulary_size, config.embedding, dtype=policy, name="embedding")(
        ids
    )
    states_in: list[Any] = []
    states_out: list[Any] = []
    for layer in range(config.layers):
        hidden = keras.Input((config.units,), name=f"h{layer}")
        cell = keras.Input((config.units,), name=f"c{layer}")
        lstm = keras.layers.LSTM(
            config.units,
            return_sequences=True,
            return_state=True,
            use_cudnn=False,
            dtype=policy,
            name=f"lstm{layer}",
        )
        x, hidden_out, cell_out = lstm(x, initial_state=[hidden, cell])
        x = keras.layers.Dropout(config.dropout, noise_shape=(None, 1, config.units), dtype=policy)(
            x
        )
        states_in += [hidden, cell]
        states_out += [hidden_out, cell_out]
    logits = keras.layers.Dense(vocabulary_size, dtype="float32", name="logits")(x)
    return keras.Model([ids, *states_in], [logits, *states_out], name="character_lstm")


def zero_state(config: TrainingConfig, batch_size: int) -> list[tf.Tensor]:
    """Return the state before any character: per layer, hidden and cell [batch_size, units]."""
    return [tf.zeros((batch_size, config.units)) for _ in range(2 * config.layers)]


def resolve_policy(precision: str) -> str:
    """Return the Keras dtype policy; `auto` takes bfloat16 where the hardware multiplies it."""
    if precision != "auto":
        return precision
    return "mixed_bfloat16" if _has_bfloat16() else "float32"


def _has_bfloat16() -> bool:
    for gpu in tf.config.list_physical_devices("GPU"):
        major, _ = tf.config.experimental.get_device_details(gpu).get("compute_capability", (0, 0))
        return int(major) >= 8
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return False
    return "avx512_bf16" in flags or "amx_bf16" in flags
