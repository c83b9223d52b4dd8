"""The run of a system, and its output: tables on the terminal, a picture in a folder."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure


@dataclass(frozen=True)
class Lesson:
    """One run of a system: folder of the picture, random seed, and whether the run is quick."""

    output: Path
    seed: int = 1
    quick: bool = False

    def iterations(self, number: int, quick: int) -> int:
        """Return the number of weight updates: `quick` in a quick lesson, else `number`."""
        return quick if self.quick else number


def show_table(title: str, header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table with aligned columns; floats have four significant digits."""
    lines = [list(header), *([_cell(value) for value in row] for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    print(f"\n{title}")
    for line in lines:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        print("  " + "  ".join(cells).rstrip())


def save_picture(figure: Figure, lesson: Lesson, name: str) -> None:
    """Save the figure as `<output>/<name>.png`, and print the path."""
    lesson.output.mkdir(parents=True, exist_ok=True)
    path = lesson.output / f"{name}.png"
    figure.savefig(path, dpi=110)
    print(f"\npicture: {path}")


def _cell(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
