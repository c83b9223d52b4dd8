"""The pictures of `captioning`: two coloured shapes in a relation, drawn by the program, and their captions."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int32]
Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]

COLOURS = {"red": (0.9, 0.1, 0.1), "green": (0.1, 0.7, 0.2), "blue": (0.1, 0.3, 0.9)}
COLOURS["yellow"] = (0.95, 0.8, 0.0)
SHAPES = ("circle", "square", "triangle")
RELATIONS = ("left of", "right of", "above", "below")
NOUNS = [(colour, shape) for colour in COLOURS for shape in SHAPES]

END = "."
WORDS = [END, "a", "left", "right", "of", "above", "below", *COLOURS, *SHAPES]
LONGEST = 9  # words of a caption, END included
SIZE = 32  # pixels of a side


@dataclass(frozen=True)
class Scenes:
    """Several scenes: the nouns of the large and the small shape, their relation, and their places.

    `nouns` [scenes, 2] counts in NOUNS, `relation` [scenes] in RELATIONS; `centres` [scenes, 2, 2] has
    (x, y) and `radii` [scenes, 2] the half of a side, in pixels.
    """

    nouns: Ids
    relation: Ids
    centres: Floats
    radii: Floats

    def captions(self) -> Ids:
        """Return the captions as indices of WORDS, [scenes, LONGEST]; the large shape is named first."""
        return np.array(
            [
                [WORDS.index(word) for word in words(large, small, relation)]
                for (large, small), relation in zip(self.nouns, self.relation, strict=True)
            ],
            np.int32,
        )

    def covered(self) -> Mask:
        """Return which pixels each shape covers, [scenes, 2, SIZE, SIZE]."""
        y, x = np.mgrid[:SIZE, :SIZE]
        u = (x - self.centres[..., 0, None, None]) / self.radii[..., None, None]
        v = (y - self.centres[..., 1, None, None]) / self.radii[..., None, None]
        circle = abs(u**2 + v**2 - 0.65) <= 0.35  # a thick line
        square = np.maximum(abs(u), abs(v)) <= 0.85
        triangle = (v <= 0.8) & (2 * abs(u) <= v + 1)
        shape = self.nouns[..., None, None] % len(SHAPES)
        return np.choose(shape, [circle, square, triangle])

    def pictures(self) -> Floats:
        """Draw the scenes on white, [scenes, SIZE, SIZE, 3]."""
        paint = np.array(list(COLOURS.values()), np.float32)[self.nouns // len(SHAPES)]
        ink = self.covered()[..., None] * (1 - paint[:, :, None, None])
        return np.asarray(1 - ink.sum(axis=1))


def words(large: int, small: int, relation: int) -> list[str]:
    """Return the caption of two nouns and their relation: LONGEST words, filled up with END."""
    caption = ["a", *NOUNS[large], *RELATIONS[relation].split(), "a", *NOUNS[small]]
    return caption + [END] * (LONGEST - len(caption))


def held_out(nouns: Ids) -> Mask:
    """Return which pairs of nouns [.., 2] are never shown in training: for each large shape two of twelve."""
    distance = (nouns[..., 1] - nouns[..., 0]) % len(NOUNS)
    return np.isin(distance, (1, 5))  # two forms, two colours


def scenes(count: int, unseen: bool, rng: np.random.Generator) -> Scenes:
    """Draw scenes at random, from the pairs of nouns in training or from those held out."""
    pairs = np.array(list(np.ndindex(len(NOUNS), len(NOUNS))), np.int32)
    nouns = rng.choice(pairs[held_out(pairs) == unseen], size=count)
    relation = rng.integers(len(RELATIONS), size=count, dtype=np.int32)
    # Along the relation the large shape comes first; across it both are at nearly the same place.
    along = rng.uniform([7.5, 21], [9, 26], size=(count, 2))
    middle = rng.uniform(11.5, 19.5, size=(count, 1))
    across = middle + rng.uniform(-4, 4, size=(count, 2))
    along = np.where(relation[:, None] % 2 == 1, SIZE - 1 - along, along)  # right of, below
    centres = np.stack([along, across], axis=-1)
    centres = np.where(relation[:, None, None] >= 2, centres[..., ::-1], centres)  # above, below
    radii = rng.uniform([6, 3.8], [7, 4.4], size=(count, 2))
    return Scenes(nouns, relation, centres.astype(np.float32), radii.astype(np.float32))
