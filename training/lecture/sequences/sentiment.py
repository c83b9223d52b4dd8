"""Sentiment: the words of a sentence are read one by one, and the loss is at the end alone.

The sentences of `opinions` have an exact answer. A bag of words, which counts the words, cannot know which
word a negation belongs to; the recurrent network reads the words in order.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray

from training.lecture import zoo
from training.lecture.classifier import Classifier, Ids
from training.lecture.lesson import Lesson, save_picture, show_table
from training.lecture.sequences.opinions import (
    CLASSES,
    LONGEST,
    WORDS,
    best_bag,
    encode,
    joined,
    negations,
    sentences,
)
from training.lecture.tape import Array, Value, tanh

TAUGHT = 3000  # sentences of the training; all others are new
BATCH = 64
ITERATIONS = 1000
EXAMPLES = (
    "very good not",
    "not very good",
    "never bad",
    "good but not great",
    "not good and bad",
    "good and not bad",
)
COLORS = ("#c8553d", "#d9d9d9", "#3d7ab8")  # of CLASSES
PALE = 0.25  # opacity of a bar where no sentence ends

Kind = TypeVar("Kind", bound=Classifier)


class Bag(Classifier):
    """A bag of words: a hidden layer reads how often each word occurs."""

    units = 40

    def read(self, x: Array) -> Value:
        """Return tanh of the counts, times W, plus b."""
        return tanh(self.w("h", Value(x.sum(axis=1)[None])))


class Recurrent(Classifier):
    """A GRU reads word after word."""

    units = 16

    def read(self, x: Array) -> Value:
        """Return the hidden state after the last word."""
        return self.states(x)[-1]

    def states(self, x: Array) -> list[Value]:
        """Return the hidden state after each step, [1, rows, units] each; a step without a word keeps the state."""
        h = Value(np.zeros((1, len(x), self.units)))
        states = []
        for x_t in x.swapaxes(0, 1):
            after, _ = zoo.gru(h, h, Value(x_t[None]), self.w)
            word = x_t.sum(axis=-1, keepdims=True)  # 1: there is a word, 0: there is none
            h = word * after + (1 - word) * h
            states.append(h)
        return states

    def after_each_word(self, sentence: str) -> Array:
        """Return P(class) if the sentence ended after its first, second, … word, [words, classes]."""
        words = encode(sentence)[: len(sentence.split())]
        scores = np.exp([self.output("y", h).data[0, 0] for h in self.states(words[None])])
        return np.asarray(scores / scores.sum(axis=-1, keepdims=True))


@dataclass(frozen=True)
class Corpus:
    """Sentences x [rows, LONGEST, WORDS], their classes y [rows], and their numbers of negations [rows]."""

    x: Array
    y: Ids
    negations: Ids

    def batches(self, seed: int) -> Iterator[tuple[Array, Ids]]:
        """Draw mini-batches of sentences for ever."""
        rng = np.random.default_rng([seed, 2])
        while True:
            rows = rng.integers(len(self.y), size=BATCH)
            yield self.x[rows], self.y[rows]

    def shares(self, right: NDArray[np.bool_]) -> list[float]:
        """Return the share of right answers in all sentences, and in those with 0, 1, 2 and 3 negations."""
        return [float(right.mean()), *(float(right[self.negations == n].mean()) for n in range(4))]


def corpus(texts: dict[str, int]) -> Corpus:
    """Return the sentences as arrays."""
    return Corpus(
        np.array([encode(text) for text in texts]),
        np.array(list(texts.values())),
        np.array([negations(text) for text in texts]),
    )


def split(seed: int) -> tuple[Corpus, Corpus]:
    """Return TAUGHT sentences, among them all of one opinion, and all other sentences."""
    texts = list(sentences().items())
    shuffled = np.random.default_rng([seed, 1]).permutation(len(texts))
    order = sorted(shuffled, key=lambda row: joined(texts[row][0]))
    taught, new = (
        corpus(dict(texts[row] for row in rows)) for rows in (order[:TAUGHT], order[TAUGHT:])
    )
    return taught, new


def train(kind: type[Kind], taught: Corpus, iterations: int, seed: int) -> Kind:
    """Train a network on these sentences."""
    network = kind(LONGEST, len(WORDS), len(CLASSES), seed)
    network.learn(taught.batches(seed), iterations, learning_rate=0.02)
    return network


def limit() -> list[float]:
    """Return the shares of right answers of the best possible bag of words, over all sentences."""
    texts = sentences()
    everything = corpus(texts)
    return everything.shares(np.array(list(best_bag(texts).values())) == everything.y)


def run(lesson: Lesson) -> None:
    """Train both networks; print their right answers on new sentences, and draw P(class) word by word."""
    taught, new = split(lesson.seed)
    iterations = lesson.iterations(ITERATIONS, quick=300)
    bag = train(Bag, taught, iterations, lesson.seed)
    recurrent = train(Recurrent, taught, iterations, lesson.seed)
    show_table(
        f"Right answers on {len(new.y):,} new sentences, after a training on {TAUGHT:,}",
        ["network", "weights", "all", "no negation", "one", "two", "three"],
        [
            ["bag of words", bag.size, *new.shares(bag.right(new.x, new.y))],
            ["best possible bag of words", "", *limit()],
            ["recurrent (GRU)", recurrent.size, *new.shares(recurrent.right(new.x, new.y))],
        ],
    )
    save_picture(_picture(recurrent), lesson, "sentiment")


def _picture(network: Recurrent) -> Figure:
    figure = Figure(figsize=(11, 5.8), layout="constrained")
    texts = sentences()
    for axes, example in zip(figure.subplots(2, 3, sharey=True).flat, EXAMPLES, strict=True):
        words = example.split()
        beginnings = [" ".join(words[: end + 1]) for end in range(len(words))]
        ends = np.array([beginning in texts for beginning in beginnings])
        _draw(axes, words, ends, network.after_each_word(example))
        axes.set_title(f"«{example}»: {CLASSES[texts[example]]}", fontsize=11)
    for axes in figure.axes[::3]:
        axes.set_ylabel("P(class)")
    legend = [Patch(color=color, label=name) for name, color in zip(CLASSES, COLORS, strict=True)]
    pale = Patch(color=COLORS[0], alpha=PALE, label="pale: no sentence ends at this word")
    figure.legend(handles=[*legend, pale], loc="outside lower center", ncols=4, frameon=False)
    return figure


def _draw(axes: Axes, words: list[str], ends: NDArray[np.bool_], probabilities: Array) -> None:
    """Draw a bar for each word, with one part for each class; pale where no sentence ends."""
    places, below = np.arange(len(words)), np.zeros(len(words))
    for color, part in zip(COLORS, probabilities.T, strict=True):
        for there, alpha in ((ends, 1.0), (~ends, PALE)):
            axes.bar(places[there], part[there], bottom=below[there], color=color, alpha=alpha)
        below += part
    axes.set_xticks(places, words)
    axes.set(ylim=(0, 1), xlim=(-0.6, len(words) - 0.4))
