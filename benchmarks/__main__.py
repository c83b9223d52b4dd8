"""`make bench`: measure, print, and write JSON, tables and a chart.

`python -m benchmarks [engine] [limits] [serving] [scaling] [start] [patterns] [peers] [training]
[corpus] [learning] [replicas] [capacity] [--rounds N] [--seconds S]`
"""

import argparse
from collections.abc import Callable
from pathlib import Path

from benchmarks import chart, corpus, engine, limits, machine, report, scaling, start, training
from benchmarks.http import against_peers, patterns, serving
from benchmarks.learning import race
from benchmarks.replicas import capacity, check
from benchmarks.replicas import chart as replicas_chart

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "benchmarks" / "out"
DOCS = ROOT / "docs"
CHARTS = {"performance.png": chart.draw, "scale.png": replicas_chart.draw}

PARTS: dict[str, Callable[[int, float], report.Part]] = {
    "engine": engine.measure,
    "limits": limits.measure,
    "serving": serving.measure,
    "scaling": scaling.measure,
    "start": start.measure,
    "patterns": patterns.measure,
    "peers": against_peers.measure,
    "training": training.measure,
    "corpus": corpus.measure,
    "learning": race.measure,
    "replicas": check.measure,
    "capacity": capacity.measure,
}
# Each takes minutes or more; peers needs an environment of its own, corpus 3 GB of disk.
SLOW = ("peers", "training", "corpus", "learning", "replicas", "capacity")
UNASKED = [name for name in PARTS if name not in SLOW]


def main() -> None:
    """Run the chosen parts, by default all parts except the slow ones."""
    arguments = _arguments()
    names = arguments.names or UNASKED
    about = machine.describe()
    print(machine.as_text(about))
    parts = {}
    for name in names:
        parts[name] = PARTS[name](arguments.rounds, arguments.seconds)
        print(report.as_text(parts[name], about["kind"]), flush=True)
    report.write(OUT, about, list(parts.values()))
    folder = DOCS if arguments.docs else OUT
    for name, draw in CHARTS.items():
        draw(parts, folder / name)
    print(f"wrote results.json and tables.md into {OUT.relative_to(ROOT)}, charts into {folder}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=f"of {', '.join(PARTS)}")
    parser.add_argument("--rounds", type=int, default=5, help="number of measurements of each side")
    parser.add_argument(
        "--seconds", type=float, default=1.0, help="approximate length of a measurement"
    )
    parser.add_argument("--docs", action="store_true", help="write the chart into docs/")
    arguments = parser.parse_args()
    unknown = set(arguments.names) - set(PARTS)
    if unknown or arguments.rounds < 1:
        parser.error(f"unknown: {', '.join(unknown)}" if unknown else "--rounds is at least 1")
    return arguments


if __name__ == "__main__":
    main()
