"""The parts of the picture of `translation`: where the decoder looks, and where the numbers lie."""

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from numpy.typing import NDArray

Vectors = NDArray[np.float32]


def draw_attention(axes: Axes, weights: Vectors, read: list[str], written: list[str]) -> None:
    """Draw attention weights [written, read] as shades."""
    axes.imshow(weights, vmin=0, vmax=1, cmap="Blues")
    axes.set_xticks(range(len(read)), read, rotation=40, ha="right")
    axes.set_yticks(range(len(written)), written)
    axes.set(xlabel="read", ylabel="written", title="where the decoder looks (dark: 1)")


def draw_numbers(axes: Axes, numbers: NDArray[np.int32], german: Vectors, english: Vectors) -> None:
    """Draw each number at its German point, joined to its English point, [numbers, 2] each; colored by its ones."""
    colors = colormaps["tab10"](numbers % 10)
    for number, (x, y), (x_end, y_end), color in zip(numbers, german, english, colors, strict=True):
        axes.plot([x, x_end], [y, y_end], color=color, linewidth=0.7)
        axes.text(x, y, str(number), color=color, fontsize=8, ha="center", va="center")
    axes.scatter(english[:, 0], english[:, 1], c=colors, marker="^", s=14)
    axes.set(xlabel="first principal component", ylabel="second principal component")
    triangle = Line2D([], [], color="gray", marker="^", linewidth=0.7, label="the same in English")
    axes.plot([], [], "k", marker="$21$", markersize=11, linestyle="", label="number in German")
    axes.legend(handles=[axes.lines[-1], triangle], fontsize=8, loc="lower right")
