"""The recurrent layers compute what Keras' layers compute, and weight-drop has one mask."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from training.network.cells import CELLS, GRU, LSTM, Cell, SimpleRNN

BATCH, STEPS, INPUTS, UNITS = 3, 7, 5, 4


def drawn(seed: int, *shape: int) -> tf.Tensor:
    return tf.constant(np.random.default_rng(seed).normal(0, 0.7, shape).astype(np.float32))


def drawn_state(cell: Cell) -> list[tf.Tensor]:
    return [drawn(part, BATCH, UNITS) for part in range(len(cell.states))]


def built(cell_type: type[Cell], **options: float) -> Cell:
    """A layer with random weights."""
    cell = cell_type(UNITS, **options)
    cell.build((None, None, INPUTS))
    cell.set_weights([drawn(9, *weight.shape) for weight in cell.get_weights()])
    return cell


def reordered(weight: np.ndarray, order: list[int]) -> np.ndarray:
    gates = np.split(weight, len(order), axis=-1)
    return np.concatenate([gates[place] for place in order], axis=-1)


def keras_layer(cell: Cell) -> keras.layers.RNN:
    """The Keras layer of the same cell, with the same weights in the order of Keras."""
    options = {"return_sequences": True, "return_state": True}
    kernel, recurrent, bias = cell.get_weights()
    if isinstance(cell, LSTM):  # Keras has i, f, g, o
        layer, order = keras.layers.LSTM(UNITS, **options), [0, 1, 3, 2]
    elif isinstance(cell, GRU):  # Keras has z, r, n
        layer, order = keras.layers.GRU(UNITS, reset_after=True, **options), [1, 0, 2]
        bias = np.stack([bias, np.zeros_like(bias)])  # and a second bias, of the product
    else:
        layer, order = keras.layers.SimpleRNN(UNITS, **options), [0]
    layer.build((None, None, INPUTS))
    layer.set_weights([reordered(weight, order) for weight in (kernel, recurrent, bias)])
    return layer


@pytest.mark.parametrize("cell_type", CELLS.values())
def test_a_layer_computes_what_keras_computes(cell_type: type[Cell]) -> None:
    """Hidden states and last state equal those of Keras' layer with the same weights."""
    cell, x = built(cell_type), drawn(1, BATCH, STEPS, INPUTS)
    state = drawn_state(cell)
    hidden, last = cell(x, state)
    expected, *expected_last = keras_layer(cell)(x, initial_state=state)
    np.testing.assert_allclose(hidden, expected, atol=1e-6)
    for part, other in zip(last, expected_last, strict=True):
        np.testing.assert_allclose(part, other, atol=1e-6)


@pytest.mark.parametrize("cell_type", CELLS.values())
def test_a_step_is_one_step_of_the_sequence(cell_type: type[Cell]) -> None:
    """Steps one by one reach the last state of the whole sequence."""
    cell, x = built(cell_type), drawn(1, BATCH, STEPS, INPUTS)
    state = drawn_state(cell)
    _, last = cell(x, state)
    for t in range(STEPS):
        state = cell.step(x[:, t], state)
    for part, expected in zip(state, last, strict=True):
        np.testing.assert_allclose(part, expected, atol=1e-6)


@pytest.mark.parametrize("symbols", [2, BATCH * STEPS + 1])
def test_ids_choose_the_rows_of_a_table(symbols: int) -> None:
    """Looked up before or after the product, rows of a table are inputs, and have the same gradient."""
    cell, table = built(LSTM), drawn(1, symbols, INPUTS)
    state, ids = (
        drawn_state(cell),
        tf.constant(np.arange(BATCH * STEPS).reshape(BATCH, -1) % symbols),
    )
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(table)
        looked_up, plain = cell(table, state, ids=ids)[0], cell(tf.gather(table, ids), state)[0]
    np.testing.assert_allclose(looked_up, plain, atol=1e-6)
    found, expected = (tf.convert_to_tensor(tape.gradient(h, table)) for h in (looked_up, plain))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("cell_type", CELLS.values())
def test_the_gradient_is_that_of_the_unrolled_steps(cell_type: type[Cell]) -> None:
    """The gradients of inputs, weights and first state equal those of unrolled steps."""
    cell, x = built(cell_type), drawn(1, BATCH, STEPS, INPUTS)
    state = drawn_state(cell)
    weigh = drawn(5, BATCH, STEPS, UNITS)

    def loss(hidden: tf.Tensor, last: list[tf.Tensor]) -> tf.Tensor:
        return tf.reduce_sum(hidden * weigh) + sum(tf.reduce_sum(part**2) for part in last)

    with tf.GradientTape(persistent=True) as tape:
        tape.watch([x, state])
        ours = loss(*cell(x, state))
        unrolled, steps = state, []
        for t in range(STEPS):
            unrolled = cell.step(x[:, t], unrolled)
            steps.append(unrolled[0])
        plain = loss(tf.stack(steps, axis=1), unrolled)
    sources = [x, *state, *(weight.value for weight in cell.trainable_variables)]
    for found, expected in zip(
        tape.gradient(ours, sources), tape.gradient(plain, sources), strict=True
    ):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("cell_type", CELLS.values())
def test_hidden_states_are_bounded(cell_type: type[Cell]) -> None:
    """|h| ≤ 1 for any weights, as the quantisation of activations assumes."""
    cell = built(cell_type)
    cell.set_weights([20 * weight for weight in cell.get_weights()])
    zero = [tf.zeros((BATCH, UNITS)) for _ in cell.states]
    hidden, _ = cell(20 * drawn(2, BATCH, 50, INPUTS), zero)
    assert 0.9 < np.abs(hidden).max() <= 1


def test_weight_drop_is_one_mask_over_the_batch_and_time() -> None:
    """Weight-drop zeroes entries of the recurrent matrix for a whole call, in training alone."""
    cell = built(SimpleRNN, weight_drop=0.5)
    cell.set_weights([np.zeros((INPUTS, UNITS)), np.full((UNITS, UNITS), 0.01), np.zeros(UNITS)])
    x, ones = tf.zeros((BATCH, 1, INPUTS)), [tf.ones((BATCH, UNITS))]
    sums = {tuple(np.round(cell(x, ones, training=True)[0][0, 0], 4)) for _ in range(20)}
    assert len(sums) > 5
    rows = cell(x, ones, training=True)[0].numpy()
    assert np.all(rows == rows[:1])
    np.testing.assert_allclose(cell(x, ones)[0], np.tanh(UNITS * 0.01), rtol=1e-5)


def test_bfloat16_products_keep_a_float32_state() -> None:
    """With bfloat16 products the states stay float32."""
    cell = LSTM(UNITS, dtype="mixed_bfloat16")
    hidden, last = cell(drawn(1, BATCH, STEPS, INPUTS), drawn_state(cell))
    assert {part.dtype for part in [hidden, *last]} == {tf.float32}


@pytest.mark.parametrize("cell_type", CELLS.values())
def test_a_text_begins_from_the_zero_state(cell_type: type[Cell]) -> None:
    """Two texts in one row have the states and gradients of the same texts in two calls."""
    cell, x, state = built(cell_type), drawn(1, BATCH, STEPS, INPUTS), drawn_state(built(cell_type))
    goes_on = np.ones((BATCH, STEPS, 1), np.float32)
    goes_on[:, 3] = 0
    with tf.GradientTape() as one:
        hidden, last = cell(x, state, tf.constant(goes_on))
        loss = tf.reduce_sum(hidden**3)
    with tf.GradientTape() as two:
        first, _ = cell(x[:, :3], state)
        second, expected_last = cell(x[:, 3:], [tf.zeros_like(part) for part in state])
        expected = tf.concat([first, second], axis=1)
        expected_loss = tf.reduce_sum(expected**3)
    np.testing.assert_allclose(hidden, expected, atol=1e-6)
    np.testing.assert_allclose(last, expected_last, atol=1e-6)
    weights = cell.trainable_variables
    for found, other in zip(
        one.gradient(loss, weights), two.gradient(expected_loss, weights), strict=True
    ):
        np.testing.assert_allclose(found, other, atol=1e-4)
