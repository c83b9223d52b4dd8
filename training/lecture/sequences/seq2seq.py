"""Encoder and decoder: reverse a word, through one context vector or with attention."""

from collections.abc import Iterator

import numpy as np
import tensorflow as tf
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from training.lecture.learning import minimise
from training.lecture.lesson import Lesson, save_picture, show_table
from training.lecture.sequences.encoder_decoder import PADDING, EncoderDecoder, Ids

LETTERS = "abcdefghij"
END = len(LETTERS) + 1  # the letters are 1 … 10
SYMBOLS = len(LETTERS) + 2
LONGEST = 12
UNITS = 40
BATCH = 64


def words(lengths: Ids, rng: np.random.Generator) -> tuple[Ids, Ids]:
    """Draw words of these lengths [B]; return words [B, LONGEST] and answers [B, LONGEST + 2].

    A word is padded on the left. The answer begins with PADDING, which the decoder reads first; then follow
    the reversed word and END, padded on the right.
    """
    shape = (len(lengths), LONGEST)
    letters = rng.integers(1, len(LETTERS) + 1, size=shape, dtype=np.int32)
    padded = np.where(np.arange(LONGEST)[::-1] < lengths[:, None], letters, PADDING)
    answers = np.zeros((len(lengths), LONGEST + 2), np.int32)
    answers[:, 1:-1] = padded[:, ::-1]
    answers[np.arange(len(lengths)), lengths + 1] = END
    return padded.astype(np.int32), answers


def network(seed: int, *, attention: bool) -> EncoderDecoder:
    """Return an untrained encoder and decoder of words."""
    return EncoderDecoder(SYMBOLS, LONGEST, UNITS, seed, attention=attention)


def train(attention: bool, iterations: int, seed: int, longest: int = LONGEST) -> EncoderDecoder:
    """Train on fresh words of all lengths up to `longest`, at most LONGEST."""
    model = network(seed, attention=attention)
    minimise(model.teach, model.weights, _batches(seed, longest), iterations)
    return model


def _batches(seed: int, longest: int) -> Iterator[tuple[Ids, Ids]]:
    rng = np.random.default_rng(seed)
    while True:
        yield words(rng.integers(1, longest + 1, size=BATCH, dtype=np.int32), rng)


def accuracy(model: EncoderDecoder, length: int, count: int = 200) -> float:
    """Return the share of new words of this length that are reversed without a mistake."""
    word, answer = words(np.full(count, length, np.int32), np.random.default_rng(length))
    return float(model.right(word, answer).mean())


def attention_matrix(model: EncoderDecoder, text: str) -> NDArray[np.float32]:
    """Return the attention of each decoder step to each letter of the word, [letters, letters]."""
    word = np.zeros((1, LONGEST), np.int32)
    word[0, LONGEST - len(text) :] = [LETTERS.index(letter) + 1 for letter in text]
    _, alpha = model.greedy(tf.constant(word), tf.constant([PADDING]))
    return np.asarray(alpha)[0, : len(text), LONGEST - len(text) :]


def run(lesson: Lesson) -> None:
    """Train with and without attention; print and draw accuracy by length, and the attention matrix."""
    iterations = lesson.iterations(1500, quick=100)
    longest = 4 if lesson.quick else LONGEST  # short words are learned at once
    context, attention = (train(looks, iterations, lesson.seed, longest) for looks in (False, True))
    lengths = range(1, longest + 1)
    alone = [accuracy(context, length) for length in lengths]
    looking = [accuracy(attention, length) for length in lengths]
    show_table(
        "Words reversed without one mistake, greedy decoding",
        ["length", "one context vector", "with attention"],
        [list(row) for row in zip(lengths, alone, looking, strict=True)],
    )
    matrix = attention_matrix(attention, LETTERS[:longest])
    save_picture(_picture(lengths, alone, looking, matrix), lesson, "seq2seq")


def _picture(
    lengths: range, alone: list[float], looking: list[float], matrix: NDArray[np.float32]
) -> Figure:
    figure = Figure(figsize=(10, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.plot(lengths, looking, "o-", label="with attention")
    left.plot(lengths, alone, "s-", label="one context vector")
    left.set(xlabel="length of the word", ylabel="reversed without a mistake", ylim=(-0.03, 1.05))
    left.xaxis.set_major_locator(MaxNLocator(integer=True))
    left.grid(alpha=0.3)
    left.legend(loc="lower left")
    image = right.imshow(matrix, vmin=0, vmax=1, cmap="Blues")
    letters = list(LETTERS[: len(matrix)])
    right.set_xticks(range(len(letters)), letters)
    right.set_yticks(range(len(letters)), letters[::-1])
    right.set(xlabel="letter read", ylabel="letter written", title="where the decoder looks")
    figure.colorbar(image, label="attention weight")
    return figure
