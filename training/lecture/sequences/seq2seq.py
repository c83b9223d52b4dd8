"""Encoder and decoder: reverse a word, through one context vector or with attention.

Encoder: h_t = GRU(x_t, h_{t−1}). The encoder's last state is the decoder's first state, s_0 = h_T, and
without attention the decoder's only knowledge of the word. With attention the decoder reads all encoder
states at every step: a_t = softmax(s·h_t), context = Σ a_t h_t, ŷ = softmax([s, context] V + c).
"""

from collections.abc import Iterator

import keras
import numpy as np
import tensorflow as tf
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from training.lecture.learning import minimise, set_seeds
from training.lecture.lesson import Lesson, save_picture, show_table

Ids = NDArray[np.int32]

LETTERS = "abcdefghij"
PADDING, END = 0, len(LETTERS) + 1  # the letters are 1 … 10
SYMBOLS = len(LETTERS) + 2
LONGEST = 12
UNITS = 40
BATCH = 64


def words(lengths: Ids, rng: np.random.Generator) -> tuple[Ids, Ids]:
    """Draw words of these lengths [B]; return words [B, LONGEST] and answers [B, LONGEST + 1].

    A word is padded on the left, so the encoder's last input is the last letter. The answer is the
    reversed word and END, padded on the right.
    """
    shape = (len(lengths), LONGEST)
    letters = rng.integers(1, len(LETTERS) + 1, size=shape, dtype=np.int32)
    padded = np.where(np.arange(LONGEST)[::-1] < lengths[:, None], letters, PADDING)
    answers = np.zeros((len(lengths), LONGEST + 1), np.int32)
    answers[:, :-1] = padded[:, ::-1]
    answers[np.arange(len(lengths)), lengths] = END
    return padded.astype(np.int32), answers


class Reverser:
    """Encoder and decoder, each one GRU cell, with or without attention."""

    def __init__(self, attention: bool, seed: int) -> None:
        set_seeds(seed)
        self.attention = attention
        self.embedding = keras.layers.Embedding(SYMBOLS, UNITS)
        self.encoder = keras.layers.GRUCell(UNITS)
        self.decoder = keras.layers.GRUCell(UNITS)
        self.output = keras.layers.Dense(SYMBOLS)
        self.teach(
            *map(tf.constant, words(np.array([LONGEST], np.int32), np.random.default_rng(0)))
        )
        layers = [self.embedding, self.encoder, self.decoder, self.output]
        self.weights = [weight for layer in layers for weight in layer.trainable_weights]

    def encode(self, word: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Read the words; return all encoder states [B, LONGEST, UNITS] and the last state."""
        state = tf.zeros((tf.shape(word)[0], UNITS))
        states = []
        for letter in tf.unstack(self.embedding(word), axis=1):
            state, _ = self.encoder(letter, [state])
            states.append(state)
        return tf.stack(states, axis=1), state

    def step(
        self, symbol: tf.Tensor, state: tf.Tensor, memory: tf.Tensor, word: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Decode one step; return logits [B, SYMBOLS], the decoder's state, and the attention [B, LONGEST]."""
        state, _ = self.decoder(self.embedding(symbol), [state])
        scores = tf.einsum("bu,btu->bt", state, memory)
        alpha = tf.nn.softmax(tf.where(word == PADDING, -1e9, scores))
        context = tf.einsum("bt,btu->bu", alpha, memory)
        seen = tf.concat([state, context if self.attention else tf.zeros_like(context)], axis=1)
        return self.output(seen), state, alpha

    def teach(self, word: tf.Tensor, answer: tf.Tensor) -> tf.Tensor:
        """Return the loss in nats per symbol, with the right symbols fed to the decoder."""
        memory, state = self.encode(word)
        symbol = tf.zeros_like(answer[:, 0])  # PADDING starts every answer
        losses = []
        for target in tf.unstack(answer, axis=1):
            logits, state, _ = self.step(symbol, state, memory, word)
            losses.append(tf.nn.sparse_softmax_cross_entropy_with_logits(target, logits))
            symbol = target
        wanted = tf.cast(answer != PADDING, tf.float32)  # the padding after END has no loss
        return tf.reduce_sum(tf.stack(losses, axis=1) * wanted) / tf.reduce_sum(wanted)

    @tf.function
    def greedy(self, word: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Decode with the decoder's own output fed back; return symbols and attention weights by step."""
        memory, state = self.encode(word)
        symbol = tf.zeros_like(word[:, 0])
        symbols, alphas = [], []
        for _ in range(LONGEST + 1):
            logits, state, alpha = self.step(symbol, state, memory, word)
            symbol = tf.argmax(logits, axis=1, output_type=tf.int32)
            symbols.append(symbol)
            alphas.append(alpha)
        return tf.stack(symbols, axis=1), tf.stack(alphas, axis=1)


def train(attention: bool, iterations: int, seed: int, longest: int = LONGEST) -> Reverser:
    """Train on fresh words of all lengths up to `longest`, at most LONGEST."""
    model = Reverser(attention, seed)
    minimise(model.teach, model.weights, _batches(seed, longest), iterations)
    return model


def _batches(seed: int, longest: int) -> Iterator[tuple[Ids, Ids]]:
    rng = np.random.default_rng(seed)
    while True:
        yield words(rng.integers(1, longest + 1, size=BATCH, dtype=np.int32), rng)


def accuracy(model: Reverser, length: int, count: int = 200) -> float:
    """Return the share of new words of this length that are reversed without a mistake."""
    word, answer = words(np.full(count, length, np.int32), np.random.default_rng(length))
    symbols, _ = model.greedy(tf.constant(word))
    wrong = (np.asarray(symbols) != answer) & (answer != PADDING)
    return float(1 - wrong.any(axis=1).mean())


def attention_matrix(model: Reverser, text: str) -> NDArray[np.float32]:
    """Return the attention of each decoder step to each letter of the word, [letters, letters]."""
    word = np.zeros((1, LONGEST), np.int32)
    word[0, LONGEST - len(text) :] = [LETTERS.index(letter) + 1 for letter in text]
    _, alpha = model.greedy(tf.constant(word))
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
