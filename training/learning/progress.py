"""The progress display of a training: a live line, or a line a minute, and a few lines per epoch."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.progress import (
    Progress as Bar,
)
from rich.text import Text

from training.bar import LOG_SECONDS
from training.learning.batches import Batches
from training.learning.epochs import Epoch, bits
from training.learning.run import Run

SMOOTHING = 0.98
TIMED_STEPS = 20  # the steps after the first one, whose speed gives the estimate of the whole time


def minutes(seconds: float) -> str:
    """Return a time in whole minutes, at least 1."""
    return f"{max(1, round(seconds / 60)):,}"


class Progress:
    """The live line of a training: epoch, loss, characters per second, time left; in a log file, a line a minute."""

    def __init__(
        self, console: Console | None = None, clock: Callable[[], float] = monotonic
    ) -> None:
        self.console = console or Console(highlight=False)
        self._clock = clock
        self._bar = Bar(
            TextColumn("{task.description}"),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TextColumn("{task.fields[pace]}"),
            TimeRemainingColumn(),
            TextColumn("left"),
            console=self.console,
            get_time=clock,
            disable=not self.console.is_terminal,  # a log file gets a line a minute
        )

    @contextmanager
    def over(self, epochs: int, batches: Batches, done: int = 0) -> Iterator[None]:
        """Show the live line during the block; `done` steps were trained before."""
        self._batches, self._epochs = batches, epochs
        self._loss: float | None = None
        self._steps, self._begun = 0, 0.0
        self._logged = self._clock()
        total = epochs * len(batches)
        self._left = total - done
        self._task = self._bar.add_task(
            f"epoch 1/{epochs}", total=total, completed=done, pace="loss –"
        )
        with self._bar:
            yield

    @contextmanager
    def measuring(self) -> Iterator[None]:
        """Show a pulsing bar during the block, which measures an epoch."""
        task = self._bar.add_task("validation loss and samples", total=None, pace="")
        try:
            yield
        finally:
            self._bar.remove_task(task)

    def beginning(self) -> None:
        """Print that the network is measured before its first step, which takes seconds."""
        self.console.print("measuring the network before its first step …")

    def started(self, loss: float) -> None:
        """Print the validation loss before the first step."""
        self.console.print(f"before training: validation {loss:.4f} nats")

    def resumed(self, epoch: int, batch: int) -> None:
        """Print the position at which an interrupted training goes on."""
        self.console.print(f"going on from epoch {epoch}, batch {batch}")

    def step(self, loss: float) -> None:
        """Count one batch and its loss in nats per character."""
        self._estimate()
        previous = loss if self._loss is None else self._loss
        self._loss = SMOOTHING * previous + (1 - SMOOTHING) * loss
        task = self._bar.tasks[self._task]
        epoch, batch = divmod(int(task.completed), len(self._batches))
        rate = (task.speed or 0.0) * self._batches.predicted
        pace = f"loss {self._loss:.3f}, {rate:,.0f} characters/s"
        title = f"epoch {epoch + 1}/{self._epochs}"
        self._bar.update(self._task, advance=1, description=title, pace=pace)
        now = self._clock()
        if not self.console.is_terminal and now >= self._logged + LOG_SECONDS:
            self._logged = now
            self._log(f"{title}, batch {batch + 1}/{len(self._batches)}: {pace}")

    def _log(self, line: str) -> None:
        seconds = self._bar.tasks[self._task].time_remaining
        left = "" if seconds is None else f", about {minutes(seconds)} min left"
        self.console.print(line + left, soft_wrap=True)

    def _estimate(self) -> None:
        """Print the time that the training will take, once the speed of its steps is known."""
        self._steps += 1
        if self._steps == 1:  # the first step compiles
            self._begun = self._clock()
        if self._steps == 1 + TIMED_STEPS:
            seconds = (self._clock() - self._begun) / TIMED_STEPS
            left = minutes(seconds * (self._left - self._steps))
            self.console.print(
                f"about {left} min left for the steps, at "
                f"{self._batches.predicted / max(seconds, 1e-9):,.0f} characters/s",
                soft_wrap=True,
            )

    def epoch(self, epoch: Epoch, run: Run) -> None:
        """Print the losses and samples of an epoch."""
        self.console.print(
            f"epoch {epoch.number}: train {epoch.train_loss:.4f}, validation "
            f"[bold]{epoch.validation_loss:.4f}[/bold] nats = {bits(epoch.validation_loss):.4f} "
            f"bits/character{' (best)' if run.best is epoch else ''}",
            soft_wrap=True,
        )
        for temperature, sample in epoch.samples.items():
            self.console.print(f"  temperature {temperature}:", style="dim", soft_wrap=True)
            text = Text(run.info.seed_text, style="dim") + Text(sample)
            self.console.print(text, soft_wrap=True)
