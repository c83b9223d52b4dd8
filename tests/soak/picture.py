"""The picture of the soak: the resident memory of each process by time, and the faults."""

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from tests.soak.ledger import Episode
from tests.soak.resources import Sample

COLOURS = {"master": "#7a7f85", "hub": "#c2571a", "worker": "#1b6ca8"}


def draw(samples: Iterable[Sample], episodes: Iterable[Episode], path: Path) -> None:
    """Draw a line for each process, and a dotted line at each fault."""
    mpl.use("agg")
    figure = Figure(figsize=(11, 5.5), layout="constrained")
    axes = figure.subplots()
    lines: dict[tuple[str, int], list[Sample]] = defaultdict(list)
    for sample in samples:
        lines[sample.role, sample.pid].append(sample)
    start = min(line[0].time for line in lines.values())
    for (role, _), line in lines.items():
        times = [sample.time - start for sample in line]
        axes.plot(times, [sample.memory / 1e6 for sample in line], color=COLOURS[role])
    axes.set_ylim(bottom=0)
    for episode in episodes:
        place = episode.began - start
        axes.axvline(place, color="#b9bec4", linestyle=":", zorder=0)
        axes.text(place, axes.get_ylim()[1], episode.fault, rotation=90, va="top", fontsize=7)
    for role, colour in COLOURS.items():
        axes.plot([], [], color=colour, label=role)
    axes.legend(loc="lower right")
    axes.set_xlabel("seconds")
    axes.set_ylabel("resident memory, MB")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=140)
