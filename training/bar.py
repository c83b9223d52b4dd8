"""Labelled progress bars: of bytes that are read, and of the steps of a phase."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import TypeVar

import rich.progress
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

LONG = 100_000_000  # bytes; from this size on, a log file gets a line
LOG_SECONDS = 60.0  # between two lines of a log file within a phase

Advance = Callable[[int], None]
Step = TypeVar("Step")


@contextmanager
def bar(doing: str, size: int | None, console: Console | None = None) -> Iterator[Advance]:
    """Show a bar of `size` bytes on a terminal; yield the function that advances the bar.

    A log file gets one line instead, if `size` is at least LONG.
    """
    console = console or Console(highlight=False)
    if not console.is_terminal and (size or 0) >= LONG:
        console.print(f"{doing} {size:,} bytes …", soft_wrap=True)
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=None),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as progress:
        task = progress.add_task(doing, total=size)
        yield lambda advance: progress.advance(task, advance)


def track(
    doing: str, steps: Iterable[Step], number: int, console: Console | None = None
) -> Iterator[Step]:
    """Yield the steps of a phase, and show their share of `number` on a terminal.

    A log file gets one line before the first step, and then a line a minute.
    """
    console = console or Console(highlight=False)
    if console.is_terminal:
        yield from rich.progress.track(steps, doing, number, console=console, transient=True)
    else:
        yield from _logged(doing, steps, number, console)


def _logged(doing: str, steps: Iterable[Step], number: int, console: Console) -> Iterator[Step]:
    console.print(f"{doing} …", soft_wrap=True)
    logged = monotonic()
    for place, step in enumerate(steps):
        if monotonic() >= logged + LOG_SECONDS:
            logged = monotonic()
            console.print(f"{doing}: {place:,} of {number:,}", soft_wrap=True)
        yield step
