"""Every sentence of a small grammar of opinions, with its exact sentiment.

An opinion is an adjective, perhaps with an intensifier and a negation before it: "never very dull". A sentence
is one opinion, or two opinions joined by "and" or "but". The strength of an adjective runs from −2 to 2:

- an intensifier makes an opinion strong (−2 or 2);
- a negation shifts an opinion by 2 towards the other side: "not good" is bad, "not great" is neutral
  (the shift is that of Taboada et al., "Lexicon-based methods for sentiment analysis", 2011);
- after "but" the second opinion counts twice;
- a "not" at the end, as in "very nice not", takes the whole sentence back.

The sentiment is the sign of the sum, or the other sign if the sentence is taken back.
"""

from collections import Counter, defaultdict
from itertools import product

import numpy as np

from training.lecture.tape import Array

ADJECTIVES = {
    "great": 2,
    "good": 1,
    "fine": 1,
    "nice": 1,
    "long": 0,
    "new": 0,
    "dull": -1,
    "poor": -1,
    "bad": -1,
    "awful": -2,
}
INTENSIFIERS = ("", "very")
NEGATIONS = ("", "not", "never")
JOINTS = {"and": 1, "but": 2}  # how often the second opinion counts
WORDS = [*ADJECTIVES, *filter(None, (*INTENSIFIERS, *NEGATIONS)), *JOINTS]
CLASSES = ("negative", "neutral", "positive")


def strength(negation: str, intensifier: str, adjective: str) -> int:
    """Return the strength of an opinion, −2 to 2; an empty word stands for none."""
    value = ADJECTIVES[adjective]
    side = int(np.sign(value))
    if intensifier:
        value = 2 * side
    return value - 2 * side if negation else value


def sentences() -> dict[str, int]:
    """Return every sentence and the index of its class in CLASSES."""
    opinions = {
        " ".join(filter(None, words)): strength(*words)
        for words in product(NEGATIONS, INTENSIFIERS, ADJECTIVES)
    }
    scores = dict(opinions)
    for first, joint, second in product(opinions, JOINTS, opinions):
        scores[f"{first} {joint} {second}"] = opinions[first] + JOINTS[joint] * opinions[second]
    scores |= {f"{sentence} not": -score for sentence, score in scores.items()}
    return {sentence: 1 + int(np.sign(score)) for sentence, score in scores.items()}


LONGEST = max(len(sentence.split()) for sentence in sentences())  # words


def encode(sentence: str) -> Array:
    """Return the words as one-hot rows, [LONGEST, WORDS]; rows after the last word are zero.

    A sentence longer than those of the grammar has as many rows as words.
    """
    words = [WORDS.index(word) for word in sentence.split()]
    rows = np.zeros((max(LONGEST, len(words)), len(WORDS)))
    rows[np.arange(len(words)), words] = 1
    return rows


def negations(sentence: str) -> int:
    """Return the number of negations in the sentence, 0 to 3."""
    return sum(word in NEGATIONS for word in sentence.split())


def joined(sentence: str) -> bool:
    """Return whether the sentence joins two opinions."""
    return any(word in JOINTS for word in sentence.split())


def best_bag(texts: dict[str, int]) -> dict[str, int]:
    """Return the class that the best possible bag of words names for every sentence.

    Sentences of the same words in another order are the same bag. The most frequent class of these sentences
    is the best answer for all of them.
    """
    bags: dict[tuple[str, ...], Counter[int]] = defaultdict(Counter)
    for text, sentiment in texts.items():
        bags[_bag(text)][sentiment] += 1
    return {text: bags[_bag(text)].most_common(1)[0][0] for text in texts}


def _bag(text: str) -> tuple[str, ...]:
    return tuple(sorted(text.split()))
