"""A progress bar in bytes, shown while a text is downloaded or read."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

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

Advance = Callable[[int], None]


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
