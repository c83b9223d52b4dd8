"""Translation: the numbers' names, what the network reads and writes, and what the network learns."""

import numpy as np
import pytest

from training.lecture.sequences.number_words import LANGUAGES, LARGEST, LONGEST, PARTS, parts
from training.lecture.sequences.translation import (
    ID,
    SYMBOLS,
    accuracy,
    answers,
    batches,
    look,
    nearest,
    neighbours,
    network,
    plane,
    sources,
    split,
    train,
)


@pytest.mark.parametrize(
    ("number", "german", "english"),
    [
        (1, "eins", "one"),
        (16, "sechzehn", "sixteen"),
        (21, "ein und zwanzig", "twenty one"),
        (30, "dreißig", "thirty"),
        (101, "ein hundert eins", "one hundred one"),
        (1011, "ein tausend elf", "one thousand eleven"),
        (
            7321,
            "sieben tausend drei hundert ein und zwanzig",
            "seven thousand three hundred twenty one",
        ),
    ],
)
def test_names_of_numbers(number, german, english) -> None:
    """German has the ones before the tens, and "ein" for "eins" before another part."""
    assert [" ".join(parts(number, language)) for language in LANGUAGES] == [german, english]


def test_every_number_has_a_name_of_its_own() -> None:
    """All numbers have different names, of at most LONGEST parts, and every part occurs."""
    names = [tuple(parts(n, language)) for language in LANGUAGES for n in range(1, LARGEST + 1)]
    assert len(set(names)) == len(names)
    assert max(map(len, names)) == LONGEST
    assert {part for name in names for part in name} == set(PARTS)


def test_reading_and_writing() -> None:
    """A source is padded on the left; an answer is the language, the parts, END and padding."""
    numbers = np.array([21, 7321], np.int32)
    (source, full), (answer, _) = sources(numbers, "German"), answers(numbers, "English")
    assert [SYMBOLS[i] for i in source] == [""] * 4 + ["ein", "und", "zwanzig"]
    assert full.all()
    assert [SYMBOLS[i] for i in answer[:4]] == ["English", "twenty", "one", "END"]
    assert not answer[4:].any()


def test_no_number_is_taught_and_new() -> None:
    """The numbers of the training and the new numbers are all numbers, each once; numbers of one word are taught."""
    taught, new = split(seed=1)
    assert sorted(np.concatenate([*taught, *new]).tolist()) == list(range(1, LARGEST + 1))
    assert min(map(min, new)) >= 20


def test_a_batch_pairs_the_same_numbers() -> None:
    """Each row of a batch is a number of the training, in one language and in another or the same."""
    taught, _ = split(seed=1)
    names = {}
    for number in np.concatenate(taught):
        for language in LANGUAGES:
            names[tuple(ID[part] for part in parts(number, language))] = number
    read, written = next(batches(taught, seed=1))
    for source, answer in zip(read, written, strict=True):
        end = list(answer).index(ID["END"])
        assert names[tuple(source[source > 0])] == names[tuple(answer[1:end])]
    assert set(written[:, 0]) == {ID[language] for language in LANGUAGES}


def test_attention_is_a_distribution_over_the_parts() -> None:
    """The attention weights of each written part sum to one over the parts read."""
    written, weights = look(network(seed=1, attention=True), 7321, "German", "English")
    assert weights.shape == (len(written), 7)
    np.testing.assert_allclose(weights.sum(axis=1), 1, rtol=1e-5)


def test_nearest_vectors() -> None:
    """The nearest vector is the one at the least distance, and not the vector itself."""
    vectors = np.array([[0, 0], [1, 0], [5, 0]], np.float32)
    assert list(nearest(vectors, vectors)) == [1, 0, 1]


def test_the_plane_keeps_the_largest_distances() -> None:
    """Vectors that vary in two dimensions alone keep their distances in the plane."""
    rng = np.random.default_rng(1)
    flat = rng.normal(size=(9, 2)).astype(np.float32)
    turned, _ = np.linalg.qr(rng.normal(size=(5, 5)))
    points = plane((flat @ turned[:2] + 3).astype(np.float32))
    assert np.linalg.norm(points[0] - points[1:], axis=1) == pytest.approx(
        np.linalg.norm(flat[0] - flat[1:], axis=1), rel=1e-4
    )


@pytest.mark.slow
def test_one_vector_holds_the_number_in_either_language() -> None:
    """One vector translates new numbers of three digits, and lies near the vector of the other language.

    The margins held for the seeds 0 to 9.
    """
    taught, new = split(seed=1)
    model = train(taught, iterations=600, seed=1, attention=False)
    assert accuracy(model, new[1][:100], *LANGUAGES) > 0.8
    assert neighbours(model)["nearest English number: the same"] > 0.5
