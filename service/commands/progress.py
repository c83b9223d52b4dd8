"""A progress bar on a terminal."""

import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")

WIDTH = 40  # characters


def with_progress(items: Iterable[Item], whole: int) -> Iterator[Item]:
    """Yield the items, and show on stderr, if it is a terminal, how many of the whole there are."""
    shown = sys.stderr.isatty()
    for number, item in enumerate(items, 1):
        yield item
        if shown:
            bar = "#" * (WIDTH * number // whole)
            print(f"\r[{bar:{WIDTH}}] {number}/{whole}", end="", file=sys.stderr, flush=True)
    if shown:
        print(file=sys.stderr)
