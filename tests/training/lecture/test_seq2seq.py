"""Encoder and decoder: reversed words, and attention."""

import numpy as np
import pytest
import tensorflow as tf

from training.lecture.sequences.encoder_decoder import PADDING
from training.lecture.sequences.seq2seq import (
    END,
    LONGEST,
    accuracy,
    attention_matrix,
    network,
    train,
    words,
)


def test_a_word_and_its_answer() -> None:
    """A word is padded on the left; its answer is a first symbol, the reversed word, END and padding."""
    word, answer = words(np.array([3, LONGEST], np.int32), np.random.default_rng(0))
    assert not word[0, :-3].any()
    assert list(answer[0, :5]) == [PADDING, *word[0, :-4:-1], END]
    assert not answer[0, 5:].any()
    assert list(answer[1]) == [PADDING, *word[1, ::-1], END]


@pytest.mark.parametrize("attention", [False, True])
def test_greedy_decoding_feeds_its_own_output(attention) -> None:
    """Fed with its own greedy answer, the decoder returns each symbol as the likeliest again."""
    model = network(1, attention=attention)
    word, _ = words(np.array([5], np.int32), np.random.default_rng(1))
    symbols, _ = model.greedy(tf.constant(word), tf.constant([PADDING]))
    memory, state = model.encode(tf.constant(word))
    fed = np.concatenate([[0], np.asarray(symbols)[0, :-1]])
    for before, written in zip(fed, np.asarray(symbols)[0], strict=True):
        logits, state, _ = model.step(tf.constant([before], tf.int32), state, memory, word)
        assert int(tf.argmax(logits[0])) == written


def test_attention_is_a_distribution_over_the_letters() -> None:
    """The attention weights of each step sum to one, and padding has no weight."""
    matrix = attention_matrix(network(1, attention=True), "abc")
    assert matrix.shape == (3, 3)
    np.testing.assert_allclose(matrix.sum(axis=1), 1, rtol=1e-5)


def test_only_the_last_state_leaves_the_encoder_without_attention() -> None:
    """Without attention the logits depend on the word through the context vector alone."""
    word, _ = words(np.array([4, 4], np.int32), np.random.default_rng(1))
    symbol = tf.constant([1, 1])
    for attention, same in [(False, True), (True, False)]:
        model = network(1, attention=attention)
        memory, state = model.encode(tf.constant(word))
        first, *_ = model.step(symbol, state, memory, word)
        second, *_ = model.step(symbol, state, memory[::-1], word[::-1])
        assert np.allclose(first, second) == same


@pytest.mark.slow
def test_attention_reverses_where_one_vector_fails() -> None:
    """After 300 updates only the decoder with attention reverses long words."""
    looking = train(attention=True, iterations=300, seed=1)
    alone = train(attention=False, iterations=300, seed=1)
    assert accuracy(looking, 9) > accuracy(alone, 9) + 0.5
    matrix = attention_matrix(looking, "abcdefgh")
    assert (matrix[::-1].argmax(axis=1) == np.arange(8)).mean() > 0.7
