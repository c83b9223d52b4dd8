"""The picture of the soak: the resident memory of each process by time, and the faults."""

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from matplotlib.figure import Figure

from tests.soak.ledger import Episode
from tests.soak.resources import Sample

COLOURS = {"master": "#7a7f85", "hub": "#c2571a", "worker": "#1b6ca8"}


def draw(samples: Iterable[Sample], episodes: Iterable[Episode], path: Path) -> None:
    """Draw a line for each process, and below a row of ticks for each kind of fault."""
    figure = Figure(figsize=(11, 7), layout="constrained")
    memory, faults = figure.subplots(2, sharex=True, height_ratios=[3, 1])
    lines: dict[tuple[str, int], list[Sample]] = defaultdict(list)
    for sample in samples:
        lines[sample.role, sample.pid].append(sample)
    start = min(line[0].time for line in lines.values())
    for (role, _), line in lines.items():
        times = [sample.time - start for sample in line]
        memory.plot(times, [sample.memory / 1e6 for sample in line], color=COLOURS[role])
    for role, colour in COLOURS.items():
        memory.plot([], [], color=colour, label=role)
    memory.set_ylim(bottom=0)
    memory.set_ylabel("resident memory, MB")
    memory.legend(loc="lower right")
    moments: dict[str, list[float]] = defaultdict(list)
    for episode in episodes:
        moments[episode.fault].append(episode.began - start)
    faults.eventplot([*moments.values()], linelengths=0.7, colors=COLOURS["master"])
    faults.set_yticks(range(len(moments)), [*moments], fontsize=8)
    faults.set_xlabel("seconds")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=140)
