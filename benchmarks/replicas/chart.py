"""The picture of docs/scale.md: the check of the simulation, and a replica by hit rate."""

from collections.abc import Mapping
from pathlib import Path
from statistics import median

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.chart import OURS_COLOUR, PEER_COLOUR
from benchmarks.replicas.capacity import HIT_RATES, rate_name
from benchmarks.replicas.check import CASES, RATE, SIMULATED
from benchmarks.report import Part
from benchmarks.rounds import Values

WIDTH = 0.4


def draw(parts: Mapping[str, Part], path: Path) -> None:
    """Draw a panel for each of the parts `replicas` and `capacity` that was measured."""
    panels = {"replicas": _check, "capacity": _capacity}
    measured = [name for name in panels if name in parts and parts[name].values]
    if not measured:
        return
    figure = Figure(figsize=(5 * len(measured), 4.2), layout="constrained")
    for axes, name in zip(
        figure.subplots(1, len(measured), squeeze=False)[0], measured, strict=True
    ):
        panels[name](axes, parts[name].values)
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
    axes.set_title(
        "Replicas on one machine, requests/s", loc="left", fontsize=11, fontweight="bold"
    )
    axes.legend(frameon=False)


def _capacity(axes: Axes, values: Mapping[str, Values]) -> None:
    """Draw the requests per second of a replica by the hit rate."""
    rates = [values[rate_name(rate)][0] for rate in HIT_RATES]
    bars = axes.bar([f"{rate:.0%}" for rate in HIT_RATES], rates, color=OURS_COLOUR)
    axes.bar_label(bars, [f"{rate:,.0f}" for rate in rates], padding=2, fontsize=9)
    axes.set_xlabel("hit rate")
    axes.set_title(
        "One replica on two cores, simulated, requests/s",
        loc="left",
        fontsize=11,
        fontweight="bold",
    )
