"""The picture of docs/scale.md: the check of the simulation, and a replica by hit rate."""

from collections.abc import Mapping
from pathlib import Path
from statistics import median

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.chart import OURS_COLOUR, PEER_COLOUR
from benchmarks.replicas.capacity import HIT_RATES, rate_name
from benchmarks.replicas.check import CASES, RATE, SIMULATED
from benchmarks.report import Part
from benchmarks.rounds import Values

WIDTH = 0.4


def draw(parts: Mapping[str, Part], path: Path) -> None:
    """Draw a panel for each of the parts `replicas` and `capacity`, if both were measured."""
    if not {"replicas", "capacity"} <= parts.keys():
        return
    mpl.use("agg")
    figure = Figure(figsize=(10, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    _check(left, parts["replicas"].values)
    _capacity(right, parts["capacity"].values)
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=140)


def _check(axes: Axes, values: Mapping[str, Values]) -> None:
    """Draw the measured and the simulated requests per second of every case side by side."""
    for offset, prefix, label, colour in (
        (-WIDTH / 2, "", "measured", PEER_COLOUR),
        (WIDTH / 2, SIMULATED, "simulated", OURS_COLOUR),
    ):
        rates = [median(values[prefix + case.key(RATE)]) for case in CASES]
        places = [place + offset for place in range(len(CASES))]
        bars = axes.bar(places, rates, WIDTH, label=label, color=colour)
        axes.bar_label(bars, [f"{rate:,.0f}" for rate in rates], padding=2, fontsize=9)
    names = [
        f"{case.replicas} replica{'s' * (case.replicas > 1)}\nZipf {case.exponent}"
        for case in CASES
    ]
    axes.set_xticks(range(len(CASES)), names)
    axes.set_title("On one machine, requests/s", loc="left", fontsize=11, fontweight="bold")
    axes.legend(frameon=False)


def _capacity(axes: Axes, values: Mapping[str, Values]) -> None:
    """Draw the requests per second of a replica over the part of the requests that misses."""
    misses = [100 * (1 - rate) for rate in HIT_RATES]
    rates = [values[rate_name(rate)][0] for rate in HIT_RATES]
    axes.plot(misses, rates, marker="o", color=OURS_COLOUR)
    for miss, rate in zip(misses, rates, strict=True):
        axes.annotate(
            f"{rate:,.0f}", (miss, rate), xytext=(4, 5), textcoords="offset points", fontsize=9
        )
    axes.set_yscale("log")
    axes.set_xscale("symlog", linthresh=1)
    axes.set_xticks(misses, [f"{miss:.0f}" for miss in misses])
    axes.minorticks_off()
    axes.set_xlabel("misses, % of the requests")
    axes.set_title(
        "A replica on two cores, requests/s, simulated", loc="left", fontsize=11, fontweight="bold"
    )
