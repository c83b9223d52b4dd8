"""The model has its state as inputs and outputs, and dropout has one mask for all steps."""

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.training.small import small_config
from training.network.cells import CELLS
from training.network.model import build_model, resolve_policy, zero_state
from training.network.size import count_weights


def some_ids(batch: int, length: int) -> tf.Tensor:
    rng = np.random.default_rng(0)
    return tf.constant(rng.integers(20, size=(batch, length), dtype=np.int32))


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("layers", [1, 3])
def test_two_halves_with_carried_state_are_the_whole(cell: str, layers: int) -> None:
    """Two halves with the state carried give the logits and the state of the whole."""
    config = small_config(cell=cell, layers=layers)
    model = build_model(config, 20, "float32")
    ids = some_ids(3, 12)
    whole, *end = model([ids, *zero_state(config, 3)])
    first, *state = model([ids[:, :5], *zero_state(config, 3)])
    second, *state = model([ids[:, 5:], *state])
    np.testing.assert_allclose(np.concatenate([first, second], axis=1), whole, atol=1e-6)
    for part, expected in zip(state, end, strict=True):
        np.testing.assert_allclose(part, expected, atol=1e-6)


def test_the_state_matters() -> None:
    """Every part of the input state changes the logits."""
    config = small_config(layers=2)
    model = build_model(config, 20, "float32")
    ids, state = some_ids(1, 1), zero_state(config, 1)
    reference = model([ids, *state])[0]
    for part in range(4):
        changed = [s + 0.5 if index == part else s for index, s in enumerate(state)]
        assert np.abs(model([ids, *changed])[0] - reference).max() > 1e-4


def test_the_configuration_is_the_network() -> None:
    """Layers, units and embedding have the configured sizes."""
    model = build_model(small_config(layers=2, units=12, embedding=7), 20, "float32")
    shapes = [tuple(weight.shape) for weight in model.trainable_variables]
    lstm0, lstm1 = [(7, 48), (12, 48), (48,)], [(12, 48), (12, 48), (48,)]
    assert shapes == [(20, 7), *lstm0, *lstm1, (12, 20), (20,)]


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("embedding", [0, 7])
def test_weights_are_counted_without_a_model(cell: str, layers: int, embedding: int) -> None:
    """The number of weights is the one that Keras counts in the built model."""
    config = small_config(cell=cell, layers=layers, embedding=embedding)
    assert count_weights(config, 20) == build_model(config, 20, "float32").count_params()


@pytest.mark.parametrize("cell", CELLS)
def test_an_untrained_cell_tells_characters_apart(cell: str) -> None:
    """Before training, different characters already give different hidden states."""
    config = small_config(cell=cell, units=64, embedding=32)
    model = build_model(config, 20, "float32")
    _, hidden, *_ = model([tf.range(20)[:, None], *zero_state(config, 20)])
    assert np.asarray(hidden).std(axis=0).mean() > 0.05


@pytest.fixture
def dropped() -> np.ndarray:
    """Return where dropout zeroed its input in a training step, [B, T, units]."""
    keras.utils.set_random_seed(0)
    config = small_config(dropout=0.5, units=32)
    model = build_model(config, 20, "float32")
    (dropout,) = [layer for layer in model.layers if isinstance(layer, keras.layers.Dropout)]
    inside = keras.Model(model.inputs, [dropout.input, dropout.output])
    before, after = inside([some_ids(8, 10), *zero_state(config, 8)], training=True)
    assert np.all(before.numpy() != 0)
    return np.asarray(after.numpy() == 0)


def test_dropout_is_one_mask_over_time(dropped: np.ndarray) -> None:
    """Variational dropout drops the same units at every step."""
    assert np.all(dropped == dropped[:, :1])
    assert 0.3 < dropped.mean() < 0.7


def test_every_row_has_its_own_mask(dropped: np.ndarray) -> None:
    """Every row of a batch drops other units."""
    assert len({row.tobytes() for row in dropped[:, 0]}) == len(dropped)


def test_nothing_is_dropped_outside_training() -> None:
    """Outside training nothing is dropped, and equal calls give equal logits."""
    config = small_config(dropout=0.9)
    model = build_model(config, 20, "float32")
    inputs = [some_ids(2, 5), *zero_state(config, 2)]
    np.testing.assert_array_equal(
        model(inputs, training=False)[0], model(inputs, training=False)[0]
    )


@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16"])
def test_a_chosen_precision_is_kept(precision: str) -> None:
    """A configured precision is used on every processor."""
    assert resolve_policy(precision) == precision


@pytest.mark.skipif(
    bool(tf.config.list_physical_devices("GPU")) or not Path("/proc/cpuinfo").exists(),
    reason="is about processors under Linux",
)
def test_auto_asks_the_processor() -> None:
    """`auto` is bfloat16 if the processor multiplies bfloat16, else float32."""
    flags = set(Path("/proc/cpuinfo").read_text(encoding="utf-8").split())
    has_it = bool(flags & {"avx512_bf16", "amx_bf16"})
    assert resolve_policy("auto") == ("mixed_bfloat16" if has_it else "float32")


def test_bfloat16_keeps_weights_and_logits_in_float32() -> None:
    """With mixed precision, weights and logits stay float32."""
    config = small_config()
    model = build_model(config, 20, "mixed_bfloat16")
    logits, *_ = model([some_ids(1, 3), *zero_state(config, 1)])
    assert logits.dtype == tf.float32
    assert {weight.dtype for weight in model.get_weights()} == {np.dtype(np.float32)}
