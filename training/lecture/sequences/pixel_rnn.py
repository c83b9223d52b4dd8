"""PixelRNN: handwritten digits, pixel by pixel; the likelihood, samples, and the completion of hidden halves."""

from collections.abc import Iterator

import numpy as np
import tensorflow as tf
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from training.lecture.learning import mean_nats, minimise
from training.lecture.lesson import Lesson, save_picture, show_table
from training.lecture.sequences.pixels import (
    LEVELS,
    SIDE,
    Pictures,
    PixelCNN,
    PixelNetwork,
    PixelRNN,
    digits,
)

ITERATIONS = 600
BATCH = 32
SHOWN = 5  # held-out pictures to complete
TRIES = 6  # completions of each
HIDDEN = -1  # the level of a hidden pixel in a drawing
ROWS, COLUMNS = 4, 6  # of samples
CENTRE = (4, 4)  # the pixel whose influences are drawn

NETWORKS: dict[str, type[PixelNetwork]] = {"PixelRNN": PixelRNN, "PixelCNN": PixelCNN}

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


def per_pixel(training: Pictures) -> Floats:
    """Return the share of each level at each pixel, [SIDE, SIDE, LEVELS], after one half more of each level."""
    counts = np.stack([(training == level).sum(axis=0) for level in range(LEVELS)], axis=-1) + 0.5
    return np.asarray(counts / counts.sum(axis=-1, keepdims=True))


def train(
    kind: type[PixelNetwork], pictures: Pictures, iterations: int, seed: int
) -> tuple[PixelNetwork, list[float]]:
    """Train a network on random mini-batches; return the network and its losses in nats per pixel."""
    network = kind(seed)

    def loss(x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
        return mean_nats(network(x), y)

    batches = _batches(pictures, seed)
    return network, minimise(loss, network.weights, batches, iterations, learning_rate=0.02)


def _batches(pictures: Pictures, seed: int) -> Iterator[tuple[Pictures, Pictures]]:
    rng = np.random.default_rng(seed)
    while True:
        drawn = pictures[rng.integers(len(pictures), size=BATCH)]
        yield drawn, drawn


def surprise(probabilities: Floats, pictures: Pictures) -> Floats:
    """Return −log of the probability of each pixel in nats, [pictures, SIDE, SIDE]."""
    given = np.broadcast_to(probabilities, (*pictures.shape, LEVELS))
    return np.asarray(-np.log(np.take_along_axis(given, pictures[..., None], axis=-1)[..., 0]))


def complete(
    network: PixelNetwork, pictures: Pictures, hidden: Mask, rng: np.random.Generator
) -> Pictures:
    """Draw the hidden pixels [SIDE, SIDE] in reading order, each from its distribution given all before it."""
    pictures = np.where(hidden, 0, pictures).astype(np.int32)
    for row, column in np.argwhere(hidden):
        p = np.asarray(network.probabilities(tf.constant(pictures)))[:, row, column]
        draws = rng.random((len(pictures), 1))
        # The sum of a distribution may round to less than a draw.
        pictures[:, row, column] = (p[:, :-1].cumsum(axis=1) < draws).sum(axis=1)
    return pictures


def influence(network: PixelNetwork, pictures: Pictures, row: int, column: int) -> Floats:
    """Return the mean of |∂ log p(this pixel) / ∂x| over the pictures, for each pixel x, [SIDE, SIDE]."""
    x = tf.constant(pictures, tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(x)
        logs = tf.nn.log_softmax(network(x)[:, row, column])
        log_p = tf.gather(logs, pictures[:, row, column], batch_dims=1)
    return np.asarray(np.abs(tape.gradient(log_p, x)).mean(axis=0))


def run(lesson: Lesson) -> None:
    """Train both networks; print their losses, draw samples, and complete held-out pictures."""
    training, held_out = digits()
    iterations = lesson.iterations(ITERATIONS, quick=90)
    baseline = surprise(per_pixel(training), held_out)
    rows: list[list[object]] = [["each pixel alone", SIDE**2 * LEVELS, *_halves(baseline)]]
    networks, curves = {}, {}
    for name, kind in NETWORKS.items():
        networks[name], curves[name] = train(kind, training, iterations, lesson.seed)
        lost = surprise(np.asarray(networks[name].probabilities(tf.constant(held_out))), held_out)
        rows.append([name, networks[name].size, *_halves(lost)])
    show_table(
        f"Nats per pixel of {len(held_out)} held-out digits after {iterations} updates "
        f"(a uniform guess: {np.log(LEVELS):.2f})",
        ["distribution", "weights", "whole picture", "lower half, given the upper"],
        rows,
    )
    if lesson.quick:
        print(
            f"\nPixelRNN is ahead of PixelCNN after {ITERATIONS} updates. A quick form shows that both "
            "networks lose less than each pixel alone."
        )
    save_picture(_picture(networks, curves, float(baseline.mean()), lesson), lesson, "pixel-rnn")


def _halves(lost: Floats) -> tuple[float, float]:
    return float(lost.mean()), float(lost[:, SIDE // 2 :].mean())


def _picture(
    networks: dict[str, PixelNetwork],
    curves: dict[str, list[float]],
    baseline: float,
    lesson: Lesson,
) -> Figure:
    rng = np.random.default_rng([lesson.seed, 1])
    _, held_out = digits()
    figure = Figure(figsize=(12, 8.4), layout="constrained")
    parts = figure.subplot_mosaic("LLLRSS;LLLCSS;PPPQQQ;PPPQQQ;PPPQQQ")
    _draw_curves(parts["L"], curves, baseline)
    for part, (name, network) in zip("RC", networks.items(), strict=True):
        _draw_influence(parts[part], name, influence(network, held_out[:50], *CENTRE))
    blank = np.zeros((ROWS * COLUMNS, SIDE, SIDE), np.int32)
    samples = complete(networks["PixelRNN"], blank, np.ones((SIDE, SIDE), bool), rng)
    _draw_sheet(parts["S"], samples.reshape(ROWS, COLUMNS, SIDE, SIDE), "samples of PixelRNN")
    for part, (name, network) in zip("PQ", networks.items(), strict=True):
        sheet = _completions(network, held_out[:SHOWN], rng)
        _draw_sheet(parts[part], sheet, f"{name}: original, upper half, {TRIES} completions")
    return figure


def _completions(network: PixelNetwork, originals: Pictures, rng: np.random.Generator) -> Pictures:
    hidden = np.broadcast_to(np.arange(SIDE)[:, None] >= SIDE // 2, (SIDE, SIDE))
    tries = complete(network, np.repeat(originals, TRIES, axis=0), hidden, rng)
    occluded = np.where(hidden, HIDDEN, originals)[:, None]
    columns = [originals[:, None], occluded, tries.reshape(SHOWN, TRIES, SIDE, SIDE)]
    return np.concatenate(columns, axis=1)


def _draw_curves(axes: Axes, curves: dict[str, list[float]], baseline: float) -> None:
    for name, losses in curves.items():
        window = min(20, len(losses))
        smooth = np.convolve(losses, np.ones(window) / window, mode="valid")
        axes.plot(np.arange(len(smooth)) + window, smooth, label=name)
    axes.axhline(baseline, color="gray", linestyle="--", label="each pixel alone, held out")
    axes.set(xlabel="updates", ylabel="training loss, nats per pixel", ylim=(1.2, 2.1))
    axes.set_title("learning (mean of 20 updates)")
    axes.grid(alpha=0.3)
    axes.legend()


def _draw_influence(axes: Axes, name: str, gradient: Floats) -> None:
    axes.imshow(np.log10(np.maximum(gradient, 1e-6)), cmap="Blues", vmin=-6, vmax=0)
    row, column = CENTRE
    axes.plot(column, row, "rx")
    axes.set(xticks=[], yticks=[], title=f"{name}: × reads")


def _draw_sheet(axes: Axes, pictures: Pictures, title: str) -> None:
    """Draw pictures [rows, columns, SIDE, SIDE] side by side, as ink on paper."""
    rows, columns, *_ = pictures.shape
    spaced = np.pad(
        pictures.astype(float), [(0, 0), (0, 0), (0, 1), (0, 1)], constant_values=np.nan
    )
    sheet = spaced.swapaxes(1, 2).reshape(rows * (SIDE + 1), columns * (SIDE + 1))[:-1, :-1]
    paper = colormaps["Greys"].with_extremes(under="lightsteelblue", bad="gainsboro")
    axes.imshow(sheet, cmap=paper, vmin=0, vmax=LEVELS - 1)
    axes.set(xticks=[], yticks=[], title=title)
