"""Captioning: a network writes what a picture shows, and attention shows where the network looks."""

from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from matplotlib.figure import Figure

from training.lecture.lesson import Lesson, save_picture, show_table
from training.lecture.sequences.captioner import PLACES, Captioner, train
from training.lecture.sequences.scenes import (
    COLOURS,
    LONGEST,
    RELATIONS,
    SIZE,
    WORDS,
    Floats,
    Ids,
    Mask,
    Scenes,
    scenes,
)

ITERATIONS = 700
NETWORKS = {"one mean vector": False, "with attention": True}
FIRST_NOUN = WORDS.index(next(iter(COLOURS)))  # colours and shapes are the last words
LOOKS = ["large: colour", "large: shape", "small: colour", "small: shape", "share of the places"]


@dataclass(frozen=True)
class Answers:
    """Scenes, and what a network writes about them.

    `pictures` [scenes, SIZE, SIZE, 3], `captions` [scenes, LONGEST], `attention` [scenes, LONGEST, PLACES, PLACES].
    """

    scenes: Scenes
    pictures: Floats
    captions: Ids
    attention: Floats

    @property
    def right(self) -> Mask:
        """Which words are right, [scenes, LONGEST]."""
        return np.asarray(self.captions == self.scenes.captions())

    @property
    def exact(self) -> float:
        """The share of captions without a wrong word."""
        return float(self.right.all(axis=1).mean())

    def on_shapes(self) -> Floats:
        """Return the attention on the places of the large and of the small shape, [4, 2].

        The rows are the colour and the shape of the large shape, then those of the small shape.
        """
        nouns = self.scenes.captions() >= FIRST_NOUN
        at = np.argwhere(nouns)[:, 1].reshape(-1, 4)
        looks = self.attention[np.arange(len(at))[:, None], at]
        boxes = places_of(self.scenes)
        return np.asarray(np.einsum("nwyx,nsyx->nws", looks, boxes).mean(axis=0))


def places_of(shown: Scenes) -> Mask:
    """Return which places the box around each shape meets, [scenes, 2, PLACES, PLACES]."""
    pixels = SIZE / PLACES  # of a place's side
    middles = (np.arange(PLACES) + 0.5) * pixels - 0.5
    reach = shown.radii[..., None, None] + pixels / 2
    meets = np.abs(middles - shown.centres[..., None]) < reach  # [scenes, 2, (x, y), PLACES]
    return np.asarray(meets[:, :, 1, :, None] & meets[:, :, 0, None, :])


def answers(model: Captioner, unseen: bool, seed: int, count: int = 300) -> Answers:
    """Let the network write about new scenes."""
    rng = np.random.default_rng([seed, 1])
    shown = scenes(count, unseen, rng)
    pictures = shown.pictures()
    captions, attention = map(np.asarray, model.greedy(tf.constant(pictures)))
    return Answers(shown, pictures, captions, attention.reshape(-1, LONGEST, PLACES, PLACES))


def run(lesson: Lesson) -> None:
    """Train with and without attention; print what is right and where the attention is; draw the attention."""
    iterations = lesson.iterations(ITERATIONS, quick=250)
    rows, unseen = [], {}
    for name, attention in NETWORKS.items():
        model = train(attention, iterations, lesson.seed)
        seen, unseen[name] = (answers(model, held, lesson.seed) for held in (False, True))
        words = float(unseen[name].right.mean())
        rows.append([name, seen.exact, unseen[name].exact, words])
    show_table(
        "Captions without a wrong word, and right words, in new pictures",
        ["network", "pairs in training", "pairs never seen", "words, pairs never seen"],
        rows,
    )
    attended = unseen["with attention"]
    area = places_of(attended.scenes).mean(axis=(0, 2, 3))
    looks = np.concatenate([attended.on_shapes(), area[None]])
    show_table(
        "Attention on the places of each shape, pairs never seen",
        ["while writing", "large shape", "small shape"],
        [[word, *map(float, look)] for word, look in zip(LOOKS, looks, strict=True)],
    )
    save_picture(_picture(attended), lesson, "captioning")


def _picture(attended: Answers) -> Figure:
    """Draw one picture of each relation, and beside it the attention of each word."""
    figure = Figure(figsize=(13, 6.4), layout="constrained")
    grid = figure.subplots(len(RELATIONS), LONGEST)
    for relation, row in enumerate(grid):
        scene = int(np.argmax(attended.scenes.relation == relation))
        picture = attended.pictures[scene]
        row[0].imshow(picture)
        row[0].set_title("picture")
        truth = attended.scenes.captions()[scene]
        for step, axes in enumerate(row[1:]):
            word = attended.captions[scene, step]
            axes.imshow(_lit(picture, attended.attention[scene, step]))
            axes.set_title(WORDS[word], color="black" if word == truth[step] else "red")
    for axes in grid.flat:
        axes.set(xticks=[], yticks=[])
    figure.suptitle("where the decoder looks while it writes a word (bright); wrong words in red")
    return figure


def _lit(picture: Floats, attention: Floats) -> Floats:
    """Return the picture, darkened where the attention is low."""
    light = np.kron(attention / attention.max(), np.ones((SIZE // PLACES, SIZE // PLACES)))
    return np.asarray(picture * (0.2 + 0.8 * light[..., None]))
