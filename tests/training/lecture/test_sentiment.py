"""Sentiment: the grammar's exact answers, the limit of a bag of words, and what the networks learn."""

from collections import Counter

import numpy as np
import pytest

from training.lecture.sequences.opinions import (
    CLASSES,
    JOINTS,
    LONGEST,
    WORDS,
    best_bag,
    encode,
    sentences,
    strength,
)
from training.lecture.sequences.sentiment import Bag, Recurrent, limit, split, train

TEXTS = sentences()
TAUGHT, NEW = split(seed=1)


@pytest.mark.parametrize(
    ("sentence", "sentiment"),
    [
        ("great", "positive"),
        ("not good", "negative"),
        ("not very good", "neutral"),
        ("never bad", "positive"),
        ("very long", "neutral"),
        ("good but dull", "negative"),
        ("dull but good", "positive"),
        ("good and dull", "neutral"),
        ("good but not great", "positive"),
        ("not good and bad", "negative"),
        ("good and not bad", "positive"),
        ("very good not", "negative"),
        ("not bad but dull not", "positive"),
    ],
)
def test_sentences_mean_what_they_say(sentence, sentiment) -> None:
    """Negation, intensifier, "but" and a final "not" act as the rules say."""
    assert CLASSES[TEXTS[sentence]] == sentiment


def test_a_negation_shifts_by_two() -> None:
    """A negated weak opinion is on the other side, and a negated strong opinion is neutral."""
    assert [strength("not", "", word) for word in ("good", "great", "new", "bad")] == [-1, 0, 0, 1]
    assert strength("never", "very", "bad") == 0


def test_the_three_classes_are_about_as_frequent() -> None:
    """Each class has about a third of the sentences, so a constant answer is right in a third."""
    shares = np.bincount(list(TEXTS.values())) / len(TEXTS)
    assert shares == pytest.approx([1 / 3] * 3, abs=0.01)


def test_words_are_rows() -> None:
    """A sentence becomes one row for each word, and zeros after its last word."""
    rows = encode("never very dull")
    assert rows.shape == (LONGEST, len(WORDS))
    assert [WORDS[row] for row in rows[:3].argmax(axis=1)] == ["never", "very", "dull"]
    assert list(rows.sum(axis=1)) == [1, 1, 1, 0, 0, 0, 0, 0]
    assert max(map(len, map(str.split, TEXTS))) == LONGEST


def test_no_word_is_cut_off() -> None:
    """A sentence longer than those of the grammar has a row for each word, and the network reads every row."""
    sentence = "good and dull but not very bad and not nice"
    words = sentence.split()
    assert [WORDS[row] for row in encode(sentence).argmax(axis=1)] == words
    network = Recurrent(LONGEST, len(WORDS), len(CLASSES), seed=1)
    assert len(network.after_each_word(sentence)) == len(words) > LONGEST


def test_the_best_bag_answers_alike_for_the_same_words() -> None:
    """The best bag of words names one class for all orders of the same words, and the most frequent one."""
    answers = best_bag(TEXTS)
    same = [
        text for text in TEXTS if Counter(text.split()) == Counter(["not", "good", "and", "bad"])
    ]
    assert len(same) == 6
    assert len({answers[text] for text in same}) == 1
    right = [answers[text] == TEXTS[text] for text in same]
    assert sum(right) == max(Counter(TEXTS[text] for text in same).values())


def test_no_sentence_is_taught_and_new() -> None:
    """The sentences of the training and the new sentences are all sentences, each once; new ones join two opinions."""
    rows = np.concatenate([TAUGHT.x, NEW.x]).reshape(len(TEXTS), -1)
    assert len(np.unique(rows, axis=0)) == len(TEXTS)
    joints = [WORDS.index(joint) for joint in JOINTS]
    assert np.all(NEW.x[:, :, joints].sum(axis=(1, 2)) == 1)


def test_the_state_stays_after_the_last_word() -> None:
    """Steps without a word do not change the recurrent network's answer."""
    network = Recurrent(LONGEST, len(WORDS), len(CLASSES), seed=1)
    words = encode("not good")
    assert network(words[None]).data == pytest.approx(network(words[None, :2]).data)
    probabilities = network.after_each_word("not good")
    assert probabilities.shape == (2, len(CLASSES))
    assert probabilities.sum(axis=1) == pytest.approx(1)
    logits = network(words[None]).data[0, 0]
    assert np.log(probabilities[-1]) - logits == pytest.approx(
        np.full(3, -np.log(np.exp(logits).sum()))
    )


def test_a_bag_of_words_stays_below_its_limit() -> None:
    """A trained bag of words is better than a constant answer, and not above the best possible bag."""
    bag = train(Bag, TAUGHT, iterations=600, seed=1)
    right = np.concatenate([bag.right(part.x, part.y) for part in (TAUGHT, NEW)])
    assert 0.5 < right.mean() <= limit()[0] < 0.7


@pytest.mark.slow
def test_the_recurrent_network_reads_the_order() -> None:
    """On new sentences the recurrent network passes the limit of the bag of words, and "not" turns the sign.

    The margins held for the seeds 0 to 9.
    """
    network = train(Recurrent, TAUGHT, iterations=500, seed=1)
    assert network.right(NEW.x, NEW.y).mean() > limit()[0] + 0.2
    _, good, turned = network.after_each_word("very good not").argmax(axis=1)
    assert (CLASSES[good], CLASSES[turned]) == ("positive", "negative")
