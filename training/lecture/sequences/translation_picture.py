"""The parts of the picture of `translation`: where the decoder looks, and where the numbers lie."""

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray

COLORS = colormaps["tab10"](np.arange(10))  # of the ones
MARKERS = {"German": "o", "English": "^"}

Vectors = NDArray[np.float32]


def draw_attention(axes: Axes, weights: Vectors, read: list[str], written: list[str]) -> None:
    """Draw attention weights [written, read] as shades."""
    axes.imshow(weights, vmin=0, vmax=1, cmap="Blues")
    axes.set_xticks(range(len(read)), read, rotation=40, ha="right")
    axes.set_yticks(range(len(written)), written)
    axes.set(xlabel="read", ylabel="written", title="where the decoder looks (dark: 1)")


def draw_numbers(axes: Axes, numbers: NDArray[np.int32], german: Vectors, english: Vectors) -> None:
    """Draw the points of each number in both languages [numbers, 2], joined by a line, in the color of its ones."""
    colors = COLORS[numbers % 10]
    for (x, y), (x_end, y_end), color in zip(german, english, colors, strict=True):
        axes.plot([x, x_end], [y, y_end], color=color, linewidth=0.7)
    for points, marker in zip((german, english), MARKERS.values(), strict=True):
        axes.scatter(points[:, 0], points[:, 1], c=colors, marker=marker, s=18, zorder=2)
    axes.set(xlabel="first principal component", ylabel="second principal component")


def legend() -> list[Line2D | Patch]:
    """Return the legend of the points: the languages' markers and the colors of the ones."""
    languages = [
        Line2D([], [], color="gray", marker=marker, linestyle="", label=language)
        for language, marker in MARKERS.items()
    ]
    ones = [Patch(color=color, label=f"…{digit}") for digit, color in enumerate(COLORS)]
    return [*languages, *ones]
