"""The circuit diagram and the unrolled graph of a recurrence, and records beside fitted systems."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from training.lecture.tape import Array

Panels = dict[
    str, tuple[str, Array, Array]
]  # by system: label, observed and fitted [steps, records, parts]

ARROW = {"arrowstyle": "->", "shrinkA": 22, "shrinkB": 22}


def draw(panels: Panels, seen: int) -> Figure:
    """Draw both graphs above the records; the fit has seen the steps before `seen`."""
    figure = Figure(figsize=(14, 7.5), layout="constrained")
    (top,), (bottom,) = figure.subfigures(2, 1, squeeze=False)
    circuit, unrolled = top.subplots(1, 2, width_ratios=[1, 2.6])
    _draw_circuit(circuit)
    _draw_unrolled(unrolled)
    for axes, (name, panel) in zip(bottom.subplots(1, len(panels)), panels.items(), strict=True):
        _draw_records(axes, *panel)
        axes.axvline(seen, color="gray", linestyle=":")
        axes.set_title(name)
    return figure


def _node(axes: Axes, x: float, y: float, text: str) -> None:
    axes.plot(x, y, "o", markersize=42, markerfacecolor="white", markeredgecolor="black")
    axes.text(x, y, text, ha="center", va="center", fontsize=12)


def _arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    axes.annotate("", end, start, arrowprops=ARROW)


def _draw_circuit(axes: Axes) -> None:
    _node(axes, 0.4, 1, "h")
    _node(axes, 0.4, 0, "x")
    _arrow(axes, (0.4, 0), (0.4, 1))
    axes.plot([0.55, 1, 1, 0.4], [1, 1, 1.7, 1.7], "k-", linewidth=1)
    _arrow(axes, (0.4, 1.9), (0.4, 1))
    axes.plot(1, 1.35, "ks", markersize=13)
    axes.text(1.1, 1.35, "one step later", va="center")
    axes.text(0.5, 1.76, "f(·; θ)")
    axes.set(xlim=(0, 1.8), ylim=(-0.5, 2), title="circuit diagram")
    axes.axis("off")


def _draw_unrolled(axes: Axes) -> None:
    for place, step in enumerate(("t−1", "t", "t+1"), start=1):
        _node(axes, place, 1, f"$h_{{{step}}}$")
        _node(axes, place, 0, f"$x_{{{step}}}$")
        _arrow(axes, (place, 0), (place, 1))
    for place in range(4):
        _arrow(axes, (place, 1), (place + 1, 1))
        axes.text(place + 0.5, 1.12, "f(·; θ)", ha="center")
    _node(axes, 0, 1, "…")
    _node(axes, 4, 1, "…")
    axes.set(
        xlim=(-0.4, 4.4), ylim=(-0.5, 2), title="unrolled: the same f and the same θ at every step"
    )
    axes.axis("off")


def _draw_records(axes: Axes, label: str, observed: Array, fitted: Array) -> None:
    for sequence in range(3):
        color = f"C{sequence}"
        axes.plot(observed[:, sequence, 0], "o", color=color, markersize=4)
        axes.plot(fitted[:, sequence, 0], "-", color=color, linewidth=1.2)
    axes.set(xlabel="step", ylabel=label)
    axes.grid(alpha=0.3)
