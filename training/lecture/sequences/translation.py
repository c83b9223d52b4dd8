"""Translation: numbers in German and English words, through one context vector or with attention.

One network reads both languages and writes both: the decoder's first symbol names the language to write
(Johnson et al., "Google's multilingual neural machine translation system", 2017). Four pairs of languages
are taught, German → German and English → English among them, so a context vector must serve both languages.
"""

from collections.abc import Iterator
from itertools import product

import numpy as np
import tensorflow as tf
from matplotlib.figure import Figure
from numpy.typing import NDArray

from training.lecture.learning import minimise
from training.lecture.lesson import Lesson, save_picture, show_table
from training.lecture.sequences.encoder_decoder import PADDING, EncoderDecoder, Ids
from training.lecture.sequences.number_words import LANGUAGES, LARGEST, LONGEST, PARTS, parts
from training.lecture.sequences.translation_picture import draw_attention, draw_numbers, legend

SYMBOLS = ["", "END", *LANGUAGES, *PARTS]  # "" is PADDING
ID = {symbol: number for number, symbol in enumerate(SYMBOLS)}
RANGES = ((1, 20), (20, 100), (100, 1000), (1000, LARGEST + 1))
UNITS = 64
BATCH = 64
ITERATIONS = 600
EXAMPLE = 7321
NETWORKS = {"one context vector": False, "with attention": True}
DRAWN = np.arange(20, 100, dtype=np.int32)  # their context vectors are compared and drawn
MEASURED = 300  # of the new numbers of each range, at most

Vectors = NDArray[np.float32]


def sources(numbers: Ids, language: str) -> Ids:
    """Return the parts of each number [B, LONGEST], padded on the left."""
    rows = np.full((len(numbers), LONGEST), PADDING, np.int32)
    for row, number in zip(rows, numbers, strict=True):
        ids = [ID[part] for part in parts(number, language)]
        row[-len(ids) :] = ids
    return rows


def answers(numbers: Ids, language: str) -> Ids:
    """Return the language, the parts of each number, and END [B, LONGEST + 2], padded on the right."""
    rows = np.full((len(numbers), LONGEST + 2), PADDING, np.int32)
    for row, number in zip(rows, numbers, strict=True):
        ids = [ID[part] for part in (language, *parts(number, language), "END")]
        row[: len(ids)] = ids
    return rows


def split(seed: int) -> tuple[list[Ids], list[Ids]]:
    """Return the numbers of the training and the new numbers, an array for each range of RANGES.

    A number below 20 is one part, which no other number teaches, so all of them are taught, and half of the
    numbers of the other ranges.
    """
    rng = np.random.default_rng([seed, 1])
    below, *ranges = (rng.permutation(np.arange(*ends, dtype=np.int32)) for ends in RANGES)
    return [below, *(numbers[::2] for numbers in ranges)], [numbers[1::2] for numbers in ranges]


def batches(taught: list[Ids], seed: int) -> Iterator[tuple[Ids, Ids]]:
    """Draw mini-batches for ever: as many numbers of each range and each pair of languages."""
    rng = np.random.default_rng([seed, 2])
    pairs = list(product(LANGUAGES, LANGUAGES))
    each = BATCH // len(pairs) // len(RANGES)
    while True:
        read, written = [], []
        for source, target in pairs:
            numbers = np.concatenate([rng.choice(some, each) for some in taught])
            read.append(sources(numbers, source))
            written.append(answers(numbers, target))
        yield np.concatenate(read), np.concatenate(written)


def network(seed: int, *, attention: bool) -> EncoderDecoder:
    """Return an untrained encoder and decoder of numbers."""
    return EncoderDecoder(len(SYMBOLS), LONGEST, UNITS, seed, attention=attention)


def train(taught: list[Ids], iterations: int, seed: int, *, attention: bool) -> EncoderDecoder:
    """Train on these numbers."""
    model = network(seed, attention=attention)
    minimise(model.teach, model.weights, batches(taught, seed), iterations)
    return model


def accuracy(model: EncoderDecoder, numbers: Ids, source: str, target: str) -> float:
    """Return the share of the numbers that are translated without a mistake."""
    return float(model.right(sources(numbers, source), answers(numbers, target)).mean())


def look(model: EncoderDecoder, number: int, source: str, target: str) -> tuple[list[str], Vectors]:
    """Return the parts that the network writes, and their attention [parts written, parts read]."""
    symbols, alpha = model.greedy(
        tf.constant(sources(np.array([number]), source)), tf.constant([ID[target]])
    )
    written = [SYMBOLS[symbol] for symbol in np.asarray(symbols)[0]]
    end = written.index("END") if "END" in written else len(written)
    return written[:end], np.asarray(alpha)[0, :end, -len(parts(number, source)) :]


def contexts(model: EncoderDecoder, numbers: Ids, language: str) -> Vectors:
    """Return the context vector of each number, the encoder's last state, [B, UNITS]."""
    _, state = model.encode(tf.constant(sources(numbers, language)))
    return np.asarray(state)


def nearest(vectors: Vectors, others: Vectors) -> Ids:
    """Return for each vector the row of the nearest one among the others; a vector is no neighbour of itself."""
    distances = np.linalg.norm(vectors[:, None] - others, axis=-1)
    distances[distances == 0] = np.inf
    return np.asarray(distances.argmin(axis=1), np.int32)


def neighbours(model: EncoderDecoder) -> dict[str, float]:
    """Return what the nearest context vectors of German numbers have in common with them, as shares."""
    german, english = (contexts(model, DRAWN, language) for language in LANGUAGES)
    same, other = DRAWN[nearest(german, german)], DRAWN[nearest(german, english)]
    return {
        "nearest German number: equal tens": float(np.mean(same // 10 == DRAWN // 10)),
        "nearest German number: equal ones": float(np.mean(same % 10 == DRAWN % 10)),
        "nearest English number: the same": float(np.mean(other == DRAWN)),
    }


def plane(vectors: Vectors) -> Vectors:
    """Return the two coordinates along which the vectors vary most (principal components), [B, 2]."""
    centred = vectors - vectors.mean(axis=0)
    _, _, directions = np.linalg.svd(centred, full_matrices=False)
    return np.asarray(centred @ directions[:2].T)


def run(lesson: Lesson) -> None:
    """Train with and without attention; print the translations of new numbers, draw attention and context vectors."""
    taught, new = split(lesson.seed)
    iterations = lesson.iterations(ITERATIONS, quick=150)
    models = {
        name: train(taught, iterations, lesson.seed, attention=attention)
        for name, attention in NETWORKS.items()
    }
    pairs = list(product((LANGUAGES, LANGUAGES[::-1]), models))
    show_table(
        "New numbers translated without one mistake",
        ["", *(f"{' → '.join(pair)}, {name}" for pair, name in pairs)],
        [
            [
                f"{start} – {end - 1}",
                *(accuracy(models[name], numbers[:MEASURED], *pair) for pair, name in pairs),
            ]
            for (start, end), numbers in zip(RANGES[1:], new, strict=True)
        ],
    )
    shares = [neighbours(model) for model in models.values()]
    show_table(
        "The context vectors of the numbers 20 to 99",
        ["", *models],
        [[line, *(share[line] for share in shares)] for line in shares[0]],
    )
    save_picture(_picture(models), lesson, "translation")


def _picture(models: dict[str, EncoderDecoder]) -> Figure:
    figure = Figure(figsize=(15, 5.8), layout="constrained")
    looks, *planes = figure.subplots(1, 3, width_ratios=[1, 1.25, 1.25])
    *_, attention = models.values()
    written, weights = look(attention, EXAMPLE, *LANGUAGES)
    draw_attention(looks, weights, parts(EXAMPLE, LANGUAGES[0]), written)
    for axes, (name, model) in zip(planes, models.items(), strict=True):
        vectors = [contexts(model, DRAWN, language) for language in LANGUAGES]
        german, english = np.split(plane(np.concatenate(vectors)), 2)
        draw_numbers(axes, DRAWN, german, english)
        axes.set_title(f"context vectors of the numbers 20 to 99:\n{name}")
    figure.legend(handles=legend(), loc="outside lower right", ncols=12, frameon=False)
    return figure
