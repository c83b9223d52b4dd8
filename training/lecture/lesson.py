"""How every system is run, and what it shows: tables on the terminal, a picture in a folder."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

mpl.use("agg")


@dataclass(frozen=True)
class Lesson:
    """One run of a system: where its picture goes, its random seed, and whether it is cut short."""

    output: Path
    seed: int = 1
    quick: bool = False

    def iterations(self, number: int) -> int:
        """Return how often to update the weights; a quick lesson only shows that all parts run."""
        return 10 if self.quick else number


def show_table(title: str, header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table with aligned columns; floats with four significant digits."""
    lines = [list(header), *([_cell(value) for value in row] for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    print(f"\n{title}")
    for line in lines:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        print("  " + "  ".join(cells).rstrip())


def save_picture(figure: Figure, lesson: Lesson, name: str) -> None:
    """Save the figure as `<output>/<name>.png` and say so."""
    lesson.output.mkdir(parents=True, exist_ok=True)
    path = lesson.output / f"{name}.png"
    figure.savefig(path, dpi=110)
    print(f"\npicture: {path}")


def _cell(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
