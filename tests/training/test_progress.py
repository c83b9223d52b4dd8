"""The progress display: a live line on a terminal, and lines per epoch everywhere."""

import io
import re
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from tests.training.small import small_config
from training.learning.batches import StreamBatches
from training.learning.epochs import Epoch
from training.learning.progress import Progress
from training.learning.run import Run, RunInfo

SAMPLE = "[bold]so [/] " + "long " * 40


def watch(folder: Path, console: Console) -> None:
    """Show a training of two epochs of three steps, as `fit` does."""
    config = small_config(epochs=2)
    run = Run.start(folder, RunInfo(config, "ab" * 32, "abc", "seed text, "))
    progress = Progress(console)
    with progress.over(config.epochs, StreamBatches(np.zeros(384, np.uint8), 4, 32)):
        for number, loss in [(1, 2.5), (2, 3.0)]:
            for _ in range(3):
                progress.step(1.25)
            epoch = Epoch(number, 1.5, loss, {"0.5": SAMPLE, "1.0": "x"})
            run.record(epoch, [])
            progress.epoch(epoch, run)


def printed(folder: Path, *, terminal: bool) -> str:
    file = io.StringIO()
    console = Console(file=file, width=80, force_terminal=terminal, highlight=False)
    watch(folder, console)
    return file.getvalue()


def test_a_log_file_gets_the_epochs(tmp_path: Path) -> None:
    """A log file gets the lines of the epochs, without escape codes or wrapping."""
    assert printed(tmp_path, terminal=False).splitlines() == [
        "epoch 1: train 1.5000, validation 2.5000 nats = 3.6067 bits/character (best)",
        "  temperature 0.5:",
        f"seed text, {SAMPLE}",
        "  temperature 1.0:",
        "seed text, x",
        "epoch 2: train 1.5000, validation 3.0000 nats = 4.3281 bits/character",
        "  temperature 0.5:",
        f"seed text, {SAMPLE}",
        "  temperature 1.0:",
        "seed text, x",
    ]


@pytest.fixture
def live_lines(tmp_path: Path) -> list[str]:
    """The states of the live line on a terminal of 80 columns."""
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", printed(tmp_path, terminal=True))
    return [line for line in re.split(r"[\r\n]+", text) if line.endswith(" left")]


def test_the_live_line_says_what_one_wants_to_know(live_lines: list[str]) -> None:
    """The live line has epoch, steps, loss, speed and time left."""
    pattern = r"epoch 2/2 \S+ 6/6 loss 1\.250, [\d,]+ characters/s \d:\d\d:\d\d left"
    assert re.fullmatch(pattern, live_lines[-1])


def test_the_live_line_fits_a_terminal(live_lines: list[str]) -> None:
    """The live line fills 80 columns exactly."""
    assert {len(line) for line in live_lines} == {80}


def test_before_the_first_step_there_is_no_loss(live_lines: list[str]) -> None:
    """Before the first step the live line shows no loss."""
    assert "0/6 loss – " in live_lines[0]


def test_a_log_file_says_how_far_the_training_is() -> None:
    """After 21 steps a log file gets an estimate without the first step, and then a line a minute."""
    file, now = io.StringIO(), 100.0
    progress = Progress(Console(file=file, width=40, highlight=False), clock=lambda: now)
    # 381 steps of 128 characters in all, the first of which compiles; each takes 2 seconds.
    with progress.over(1, StreamBatches(np.zeros(381 * 128, np.uint8), 4, 32)):
        for _ in range(60):
            now += 2
            progress.step(1.25)
    assert file.getvalue().splitlines() == [
        "about 12 min left for the steps, at 64 characters/s",
        "epoch 1/1, batch 30/381: loss 1.250, 64 characters/s, about 12 min left",
        "epoch 1/1, batch 60/381: loss 1.250, 64 characters/s, about 11 min left",
    ]
