"""The cell line as gradient highway: the chain rule, one step of an LSTM, and 128 steps backward."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from training.lecture.lesson import Lesson, save_picture, show_table
from training.lecture.memory.highway import Backward, experiment
from training.lecture.steps import Array

# The slide's step: the third unit forgets, and −1 is written in its place.
FORGET = np.array([1.0, 1, 0, 1, 1])
CANDIDATE = np.array([0.0, 0, -1, 0, 0])
# Chosen here: an earlier cell state, and gates that write and show everything.
BEFORE = np.array([0.5, -0.5, 1, 2, -1])
INPUT = OUTPUT = np.ones(5)

FRAMES = (0, 1, 2, 4, 8, 16, 32, 64, 127)
LAGS = (0, 1, 5, 10, 20, 50, 100)


@dataclass(frozen=True)
class Link:
    """One function of a chain and its derivative."""

    name: str
    of: Callable[[float], float]
    derivative: Callable[[float], float]


CHAIN = [
    Link("f(x) = 2x + 1", lambda x: 2 * x + 1, lambda _: 2.0),
    Link("g(f) = f²", lambda f: f**2, lambda f: 2 * f),
    Link("h(g) = √g", math.sqrt, lambda g: 0.5 / math.sqrt(g)),
]


def chain_rule(x: float) -> list[tuple[str, float, float, float]]:
    """Return name, value, local derivative and ∂value/∂x of each link of h(g(f(x)))."""
    rows, gradient = [], 1.0
    for link in CHAIN:
        local = link.derivative(x)
        gradient *= local
        x = link.of(x)
        rows.append((link.name, x, local, gradient))
    return rows


def run_through() -> dict[str, Array]:
    """Return every line of the slide's LSTM step, [5 units] each."""
    C = FORGET * BEFORE + INPUT * CANDIDATE
    return {
        "C_before": BEFORE,
        "f": FORGET,
        "f ⊙ C_before": FORGET * BEFORE,
        "i ⊙ C̃": INPUT * CANDIDATE,
        "C = f ⊙ C_before + i ⊙ C̃": C,
        "h = o ⊙ tanh C": OUTPUT * np.tanh(C),
        "∂C/∂C_before = f": FORGET,
    }


def run(lesson: Lesson) -> None:
    """Print the chain rule, the slide's step and the gradients by lag; draw the strip of frames."""
    show_table(
        "h(g(f(x))) at x = 1: the local derivatives multiply",
        ["link", "value", "local derivative", "∂value/∂x"],
        chain_rule(1.0),
    )
    show_table(
        "One step of an LSTM of five units",
        ["", *(f"unit {unit}" for unit in range(1, 6))],
        [[name, *map(float, values)] for name, values in run_through().items()],
    )
    networks = experiment(lesson.seed)
    show_table(
        "The error of step 128, handed back: |∂loss/∂C_t| by lag (simple RNN: |∂loss/∂h_t|)",
        ["network", *map(str, LAGS)],
        [[name, *map(float, network.state[[*LAGS]])] for name, network in networks.items()],
    )
    save_picture(_picture(networks), lesson, "gradient-highway")


def _picture(networks: dict[str, Backward]) -> Figure:
    figure = Figure(figsize=(13, 9.5), layout="constrained")
    (top,), (bottom,) = figure.subfigures(2, 1, height_ratios=[1, 1.35], squeeze=False)
    step, curves = top.subplots(1, 2)
    _draw_step(step)
    for name, network in networks.items():
        curves.semilogy(network.state, label=name)
    curves.set(xlabel="lag: steps back from the error", ylabel="|∂loss/∂C_t| (RNN: |∂loss/∂h_t|)")
    curves.set(title="the error handed back", ylim=(1e-16, 30))
    curves.legend()
    curves.grid(alpha=0.3)
    _draw_frames(bottom.subplots(len(networks), len(FRAMES)), networks)
    bottom.suptitle("each step's share of the gradient by the input weights, white: below 10⁻⁴")
    return figure


def _draw_step(axes: Axes) -> None:
    lines = run_through()
    values = np.array(list(lines.values()))
    axes.imshow(values, cmap="RdBu", vmin=-3, vmax=3, aspect="auto")
    for (row, column), value in np.ndenumerate(values):
        axes.text(column, row, f"{value:.3g}", ha="center", va="center")
    axes.set_yticks(range(len(lines)), list(lines))
    axes.set_xticks(range(5), [f"unit {unit}" for unit in range(1, 6)])
    axes.set_title("one step: the third unit forgets 1 and takes in −1")


def _draw_frames(grid: NDArray[np.object_], networks: dict[str, Backward]) -> None:
    for row, (name, network) in zip(grid, networks.items(), strict=True):
        row[0].set_ylabel(name.replace(", ", "\n"))
        for axes, lag in zip(row, FRAMES, strict=True):
            share = np.log10(np.maximum(np.abs(network.weights[lag]), 1e-12))
            axes.imshow(share, cmap="Purples", vmin=-4, vmax=0)
            axes.set(xticks=[], yticks=[])
    for axes, lag in zip(grid[0], FRAMES, strict=True):
        axes.set_title(f"lag {lag}")
