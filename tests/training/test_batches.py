"""Batches are parallel streams through the text, or windows in random order."""

import tracemalloc
from itertools import pairwise

import numpy as np
import pytest

from training.errors import CorpusError
from training.learning.batches import StreamBatches, TextBatches, WindowBatches


def numbered(length: int) -> np.ndarray:
    """A text whose every id is its own position, so that a batch shows its positions."""
    return np.arange(length, dtype=np.int32)


@pytest.mark.parametrize("offset", [0, 1, 77, 959])
def test_every_position_is_a_target_once(offset: int) -> None:
    """Over one epoch each position of a text that fits the batches is predicted exactly once."""
    batches = StreamBatches(numbered(960), batch_size=4, sequence_length=24)
    targets = np.concatenate([targets.ravel() for _, targets in batches.epoch(offset)])
    assert sorted(targets) == list(range(960))


@pytest.mark.parametrize("length", [960, 1000, 1011])
@pytest.mark.parametrize("offset", [0, 5, 940])
def test_a_target_is_the_next_character(length: int, offset: int) -> None:
    """Every target follows its input in the text, which is read as a ring."""
    batches = StreamBatches(numbered(length), batch_size=4, sequence_length=24)
    for inputs, targets in batches.epoch(offset):
        assert inputs.shape == targets.shape == (4, 24)
        np.testing.assert_array_equal(targets, (inputs + 1) % length)
        np.testing.assert_array_equal(inputs[:, 1:], targets[:, :-1])


@pytest.mark.parametrize("length", [960, 1011])
def test_rows_go_on_from_batch_to_batch(length: int) -> None:
    """Row b of batch k+1 begins with the character after row b of batch k."""
    batches = StreamBatches(numbered(length), batch_size=4, sequence_length=24)
    for (_, targets), (inputs, _) in pairwise(batches.epoch(13)):
        np.testing.assert_array_equal(inputs[:, 0], targets[:, -1])


def test_what_one_epoch_leaves_over_another_learns() -> None:
    """Characters that one epoch leaves over are predicted in another epoch."""
    batches = StreamBatches(numbered(1011), batch_size=4, sequence_length=24)
    left_over = [
        set(range(1011)) - {int(i) for _, targets in batches.epoch(offset) for i in targets.flat}
        for offset in (0, 60)
    ]
    assert left_over[0]
    assert left_over[0].isdisjoint(left_over[1])


def many_texts() -> TextBatches:
    """Forty texts of different lengths, whose ids count up from 1 after the end symbol 0."""
    ids = np.concatenate([np.arange(1 + 3 * length % 29) for length in range(40)])
    return TextBatches(ids, batch_size=4, sequence_length=24, text_end=0)


def test_streams_of_texts_begin_with_texts_and_keep_them_whole() -> None:
    """A stream begins with a text; within a text each target follows its input, and then a text begins."""
    streams = [np.concatenate(rows, axis=1) for rows in zip(*many_texts().epoch(7), strict=True)]
    inputs, targets = streams
    assert not inputs[:, 0].any()
    assert np.all((targets == inputs + 1) | (targets == 0))
    np.testing.assert_array_equal(inputs[:, 1:], targets[:, :-1])


def test_texts_have_another_order_in_each_epoch() -> None:
    """The order of the texts differs between epochs, and equal draws give equal batches."""
    first, other, again = (np.concatenate([i for i, _ in many_texts().epoch(d)]) for d in (1, 2, 1))
    assert not np.array_equal(first, other)
    np.testing.assert_array_equal(first, again)


def test_a_ring_of_texts_reads_every_text() -> None:
    """One stream reads all texts once, character by character."""
    texts = many_texts()
    size = len(texts.ids)
    one = TextBatches(texts.ids, batch_size=1, sequence_length=size, text_end=0)
    ((inputs, targets),) = one.epoch(3)
    assert sorted(inputs[0]) == sorted(targets[0]) == sorted(texts.ids)


def test_rows_read_different_parts_of_the_text() -> None:
    """The streams start at equal distances."""
    inputs, _ = next(StreamBatches(numbered(960), batch_size=4, sequence_length=24).epoch(10))
    assert list(inputs[:, 0]) == [10, 250, 490, 730]


def test_batches_leave_the_ids_where_they_are() -> None:
    """An epoch over 4 MB of ids allocates no copy of the ids."""
    ids = np.zeros(4_000_000, np.uint8)
    tracemalloc.start()
    for inputs, targets in StreamBatches(ids, batch_size=64, sequence_length=128).epoch(0):
        assert inputs.dtype == targets.dtype == np.int32
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < ids.nbytes / 4


def test_an_epoch_of_a_long_text_is_a_part_of_it() -> None:
    """An epoch has at most `max_steps` batches, the first ones of the whole epoch."""
    whole = StreamBatches(numbered(960), batch_size=4, sequence_length=24)
    part = StreamBatches(numbered(960), batch_size=4, sequence_length=24, max_steps=3)
    assert (len(whole), len(part)) == (10, 3)
    for (inputs, _), (expected, _) in zip(part.epoch(7), whole.epoch(7), strict=False):
        np.testing.assert_array_equal(inputs, expected)
    assert len(list(part.epoch(7))) == 3
    assert len(StreamBatches(numbered(960), 4, 24, max_steps=99)) == 10


def test_a_text_of_one_batch_is_enough() -> None:
    """A text that fills exactly one batch is enough, wherever the ring starts."""
    batches = StreamBatches(numbered(96), batch_size=4, sequence_length=24)
    assert len(list(batches.epoch(95))) == len(batches) == 1


def test_a_text_too_small_for_a_batch_is_refused() -> None:
    """The error for a short text names both sizes and the keys to lower."""
    with pytest.raises(CorpusError, match="95 characters but one batch takes 96: lower batch_size"):
        StreamBatches(numbered(95), batch_size=4, sequence_length=24)


def test_a_window_predicts_the_character_after_it() -> None:
    """Windows begin a stride apart, occur once in an epoch, and end before their target."""
    batches = WindowBatches(numbered(1000), batch_size=8, sequence_length=25, stride=3)
    starts = []
    for inputs, targets in batches.epoch(7):
        assert inputs.shape == (8, 25)
        np.testing.assert_array_equal(targets, inputs[:, -1:] + 1)
        np.testing.assert_array_equal(inputs, inputs[:, :1] + np.arange(25))
        starts += inputs[:, 0].tolist()
    assert sorted(starts) == list(range(0, 3 * 8 * len(batches), 3))
    assert starts != sorted(starts)
    assert batches.predicted == 8


def test_windows_of_a_long_text_are_shuffled_part_by_part(monkeypatch: pytest.MonkeyPatch) -> None:
    """A long text is shuffled part by part, and each window still occurs once."""
    monkeypatch.setattr("training.learning.batches.SHUFFLED", 4)
    batches = WindowBatches(numbered(1000), batch_size=8, sequence_length=25, stride=3)
    assert len(batches) == 40
    starts = np.array([inputs[:, 0] for inputs, _ in batches.epoch(7)])
    assert sorted(starts.flat) == list(range(0, 3 * 8 * 40, 3))
    parts = [set(part.flat) for part in starts.reshape(10, 4 * 8)]
    assert all(max(part) - min(part) == 3 * (4 * 8 - 1) for part in parts)
    assert [min(part) for part in parts] != sorted(min(part) for part in parts)


def test_windows_of_a_gigabyte_are_shuffled_in_little_memory() -> None:
    """Shuffling the windows of a gigabyte takes less than 50 MB."""
    batches = WindowBatches(np.zeros(10**9, np.uint8), 128, 25, 1_000_000, stride=3)
    assert len(batches) == 1_000_000
    tracemalloc.start()
    try:
        next(batches.epoch(1))
        assert tracemalloc.get_traced_memory()[1] < 50e6
    finally:
        tracemalloc.stop()


def test_each_draw_is_another_order_of_windows() -> None:
    """The same draw gives the same order, and another draw gives another order."""
    batches = WindowBatches(numbered(1000), batch_size=8, sequence_length=25, stride=3)
    first, again, other = (next(batches.epoch(draw))[0] for draw in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_text_too_small_for_windows_is_refused() -> None:
    """The error for a text without windows names both sizes and the keys to lower."""
    with pytest.raises(CorpusError, match="48 characters but one batch takes 49: lower batch_size"):
        WindowBatches(numbered(48), batch_size=8, sequence_length=25, stride=3)
    assert len(WindowBatches(numbered(49), batch_size=8, sequence_length=25, stride=3)) == 1
