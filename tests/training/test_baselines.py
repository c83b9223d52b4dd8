"""The baselines follow their formulas, and rank texts by how predictable they are."""

import math
from collections import Counter, defaultdict

import numpy as np
import pytest

from model_store import UNKNOWN, Vocabulary
from tests.training.small import ENGLISH
from training.corpus.split import split
from training.publishing.baselines import BASELINES, ORDER, baselines, ngram_nats


def witten_bell(train: str, held_out: str, symbols: int) -> float:
    """The loss by the formula, written out with dictionaries."""
    following: dict[str, Counter[str]] = defaultdict(Counter)
    for order in range(1, ORDER + 1):
        for end in range(order, len(train) + 1):
            following[train[end - order : end - 1]][train[end - 1]] += 1
    text, total = train + held_out, 0.0
    for place in range(len(train), len(text)):
        probability = 1 / symbols
        for order in range(1, ORDER + 1):
            seen = following.get(text[max(0, place - order + 1) : place])
            if seen and order <= place + 1:
                types = len(seen)
                probability = (seen[text[place]] + types * probability) / (seen.total() + types)
        total -= math.log(probability)
    return total / len(held_out)


def test_the_ngram_model_is_its_formula() -> None:
    """The vectorised n-gram model equals the formula written out."""
    train, held_out = ENGLISH[:6000], ENGLISH[6000:6400]
    vocabulary = Vocabulary.from_text(ENGLISH[:6400])
    ids, new = (vocabulary.encode(text) for text in (train, held_out))
    expected = witten_bell(train, held_out, len(vocabulary))
    assert ngram_nats(ids, new, len(vocabulary)) == pytest.approx(expected, rel=1e-9)


def test_the_ngram_model_does_not_care_which_ids_symbols_have() -> None:
    """The loss does not depend on the ids, even if five of them overflow an integer."""
    ids = Vocabulary.from_text(ENGLISH[:6400]).encode(ENGLISH[:6400])
    spread = ids * (19_999 // ids.max())
    found, expected = (ngram_nats(each[:6000], each[6000:], 20_000) for each in (spread, ids))
    assert found == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("length", [0, 1, 4, 5])
def test_the_ngram_model_makes_do_with_little(length: int) -> None:
    """A text shorter than the context uses shorter contexts; an empty text guesses uniformly."""
    train, held_out = "abcab"[:length], "caab"
    ids, new = (Vocabulary(tuple("abc")).encode(text) for text in (train, held_out))
    expected = witten_bell(train, held_out, 3)
    assert ngram_nats(ids, new, 3) == pytest.approx(expected)


@pytest.fixture(scope="module")
def english() -> dict[str, float]:
    text = ENGLISH[:200_000]
    vocabulary = Vocabulary.from_text(text)
    return baselines(split(vocabulary.encode(text), 0.1), vocabulary, 20_000)


def test_each_baseline_knows_something(english: dict[str, float]) -> None:
    """On English every baseline is far below a uniform guess, and far above zero."""
    assert tuple(english) == BASELINES
    uniform, *others = english.values()
    assert 0.15 * uniform < min(others) < max(others) < 0.6 * uniform


def test_a_repeated_text_is_nearly_free() -> None:
    """A text that repeats the training text costs a compressor almost nothing."""
    rng = np.random.default_rng(0)
    noise = "".join(rng.choice(list("abcdefgh"), 10_000))
    vocabulary = Vocabulary.from_text(noise)
    ids = vocabulary.encode(noise + noise[:5000])
    found = baselines(split(ids, 1 / 3), vocabulary, 5000)
    assert found["uniform"] == pytest.approx(math.log(8))
    assert max(found["xz"], found["zstd"]) < 0.1


def test_unknown_symbols_do_not_count() -> None:
    """Unknown symbols in a text hardly change the baselines."""
    plain = ENGLISH[:40_000]
    strewn = "".join(plain[place : place + 4] + UNKNOWN for place in range(0, len(plain), 4))
    found, expected = (
        baselines(split(vocabulary.encode(text), 0.1), vocabulary, len(text) // 10)
        for text, vocabulary in ((text, Vocabulary.from_text(text)) for text in (strewn, plain))
    )
    assert found == pytest.approx(expected, rel=0.01)
