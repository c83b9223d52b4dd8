"""Measurements in rounds, and the statistics of their numbers."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Literal

Values = list[float]


def interleave(
    sides: Mapping[str, Callable[[], float]], rounds: int, title: str
) -> dict[str, Values]:
    """Measure every side once in each round; every other round runs backwards."""
    values: dict[str, Values] = {name: [] for name in sides}
    for number in range(rounds):
        names = list(sides)
        for name in names if number % 2 == 0 else reversed(names):
            progress(f"{title}: round {number + 1} of {rounds}, {name}")
            values[name].append(sides[name]())
    progress("")
    return values


def ratios(values: Values, others: Values) -> Values:
    """Divide round by round, since two sides of one round met the same load of the machine."""
    return [value / other for value, other in zip(values, others, strict=True)]


def progress(text: str) -> None:
    """Show the current measurement; on a terminal, in place of the last."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)
    elif text:
        print(text, file=sys.stderr, flush=True)


def number(value: float) -> str:
    """Return a number with about three digits."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def spread(values: Values) -> str:
    """Return the median with (lowest – highest), or an empty text without values."""
    if not values:
        return ""
    if len(values) == 1:
        return number(values[0])
    return f"{number(median(values))} ({number(min(values))} – {number(max(values))})"


@dataclass(frozen=True)
class Bar:
    """A bar: a wanted number, and the numbers that the rounds reached."""

    what: str
    values: Values
    relation: Literal["≥", "≤"]
    wanted: float
    unit: str = "×"

    @property
    def reached(self) -> float:
        """The median over the rounds."""
        return median(self.values)

    @property
    def met(self) -> bool:
        """Whether the median reaches the wanted number."""
        if self.relation == "≥":
            return self.reached >= self.wanted
        return self.reached <= self.wanted
