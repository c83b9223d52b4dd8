"""The chart of the engine's comparison."""

from collections.abc import Mapping
from pathlib import Path
from statistics import median

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.engine import OURS, PEERS, key
from benchmarks.report import Part
from benchmarks.rounds import Values

OURS_COLOUR, PEER_COLOUR = "#1b6ca8", "#b9bec4"
SIZES = [1, 64]


def draw(parts: Mapping[str, Part], path: Path) -> None:
    """Draw characters per second at 1 and 64 sequences, if the part `engine` was measured."""
    if "engine" not in parts:
        return
    figure = Figure(figsize=(9, 5), layout="constrained")
    for axes, size in zip(figure.subplots(len(SIZES), 1), SIZES, strict=True):
        _bars(axes, _speeds(parts["engine"].values, size))
        plural = "sequence" if size == 1 else "sequences at once"
        axes.set_title(f"{size} {plural}", loc="left", fontsize=11, fontweight="bold")
    figure.supxlabel("characters per second, 3×512 LSTM, 109 symbols", fontsize=10)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=140)


def _speeds(engine: Mapping[str, Values], size: int) -> dict[str, float]:
    speeds = {name: median(engine[key(name, size)]) for name in PEERS if name != OURS}
    speeds = dict(sorted(speeds.items(), key=lambda item: item[1]))
    return speeds | {OURS: median(engine[key(OURS, size)])}


def _bars(axes: Axes, speeds: Mapping[str, float]) -> None:
    colours = [OURS_COLOUR if name == OURS else PEER_COLOUR for name in speeds]
    bars = axes.barh(list(speeds), list(speeds.values()), color=colours)
    axes.bar_label(bars, [f"{speed:,.0f}" for speed in speeds.values()], padding=4, fontsize=9)
    axes.set_xlim(0, 1.12 * max(speeds.values()))
    axes.spines[["top", "right", "bottom"]].set_visible(False)
    axes.tick_params(bottom=False, labelbottom=False, left=False, labelsize=10)
