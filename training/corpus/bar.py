"""A bar of bytes, while a text is fetched and read."""

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

LONG = 100_000_000  # bytes; a log file hears of no less

Advance = Callable[[int], None]


@contextmanager
def bar(doing: str, size: int | None, console: Console | None = None) -> Iterator[Advance]:
    """Show a bar of `size` bytes on a terminal while the block runs; it calls what it is given.

    A log file gets one line, if this takes long enough to wonder.
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
