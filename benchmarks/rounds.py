"""Sides in turn, several times over, and what is said about the numbers."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Literal

Values = list[float]


def interleave(
    sides: Mapping[str, Callable[[], float]], rounds: int, title: str
) -> dict[str, Values]:
    """Measure every side once in each round; every other round goes backwards."""
    values: dict[str, Values] = {name: [] for name in sides}
    for number in range(rounds):
        names = list(sides)
        for name in names if number % 2 == 0 else reversed(names):
            progress(f"{title}: round {number + 1} of {rounds}, {name}")
            values[name].append(sides[name]())
    progress("")
    return values


def ratios(values: Values, others: Values) -> Values:
    """Divide round by round: two sides of one round met the same machine."""
    return [value / other for value, other in zip(values, others, strict=True)]


def progress(text: str) -> None:
    """Show what is being done, over what was being done."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)
    elif text:
        print(text, file=sys.stderr, flush=True)


def number(value: float) -> str:
    """Write a number with about three digits."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def spread(values: Values) -> str:
    """Write the median, and between which numbers the rounds lay; nothing of none."""
    if not values:
        return ""
    if len(values) == 1:
        return number(values[0])
    return f"{number(median(values))} ({number(min(values))} – {number(max(values))})"


@dataclass(frozen=True)
class Bar:
    """A number to reach, from section 7 of the design, and the rounds that did or did not."""

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
        """Whether the median reaches it."""
        if self.relation == "≥":
            return self.reached >= self.wanted
        return self.reached <= self.wanted
