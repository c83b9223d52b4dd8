"""(e) A long text: the speed of its preparation, and the memory of preparation and training."""

import multiprocessing
import os
import re
import string
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time

import numpy as np

from benchmarks.report import Part
from benchmarks.rounds import Values, progress, spread
from training.config import TrainingConfig
from training.corpus.prepare import prepare
from training.corpus.record import RECORD
from training.corpus.sources import open_corpus

SIZES = {"10 MB": 10_000_000, "1 GB": 1_000_000_000}
SPEED, PREPARING, TRAINING = "MB per CPU second", "MB, preparing", "MB, training"
MEGABYTE = 1_000_000
BLOCK = 1_000_000
WORDS = 20_000
MUTATION = 0.01


def measure(rounds: int, _: float) -> Part:
    """Prepare each text in a new process every round, and train a few steps on each text once."""
    values: dict[str, Values] = {}
    for name, size in SIZES.items():
        progress(f"corpus: {name}")
        with TemporaryDirectory(prefix="charloom-bench-") as temporary:
            folder = Path(temporary)
            write_text(folder / "text.txt", size)
            prepared = [_apart(_prepare, folder) for _ in range(rounds)]
            values[f"{name}: {SPEED}"] = [size / MEGABYTE / seconds for seconds, _ in prepared]
            values[f"{name}: {PREPARING}"] = [memory for _, memory in prepared]
            values[f"{name}: {TRAINING}"] = [_apart(_train, folder)[1]]
    kinds = [SPEED, PREPARING, TRAINING]
    return Part(
        name="corpus",
        title="A long text (MB per CPU second over all passes, and the most memory held at any time)",
        columns=["", *kinds],
        rows=[[name, *(spread(values[f"{name}: {kind}"]) for kind in kinds)] for name in SIZES],
        values=values,
    )


def write_text(path: Path, size: int) -> None:
    """Write a text of words; from block to block one letter in a hundred changes."""
    rng = np.random.default_rng(0)
    letters = np.frombuffer(f"{string.ascii_letters}äöü".encode("latin-1"), np.uint8)
    words = [bytes(rng.choice(letters, n)) for n in rng.integers(1, 12, WORDS)]
    block = np.frombuffer(b" ".join(words[n] for n in rng.integers(WORDS, size=BLOCK)), np.uint8)
    block = block[:BLOCK].copy()
    with path.open("wb") as file:
        for _ in range(size // BLOCK):
            places = rng.integers(BLOCK, size=int(MUTATION * BLOCK))
            block[places] = rng.choice(letters, len(places))
            file.write(bytes(block).decode("latin-1").encode()[:BLOCK].rstrip(b"\xc3") + b"\n")


def _apart(job: Callable[[Path], float], folder: Path) -> tuple[float, float]:
    """Run a job in a new process; return the job's seconds and the process's peak in megabytes."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_measured, (job, folder))


def _measured(job: Callable[[Path], float], folder: Path) -> tuple[float, float]:
    seconds = job(folder)
    status = Path("/proc/self/status").read_text(encoding="ascii")
    (kilobytes,) = re.findall(r"VmHWM:\s+(\d+) kB", status)
    return seconds, int(kilobytes) * 1024 / MEGABYTE


def _prepare(folder: Path) -> float:
    (folder / "runs" / "long" / RECORD).unlink(missing_ok=True)
    begin = process_time()
    with open_corpus([str(folder / "text.txt")]) as corpus:
        prepare(corpus, TrainingConfig(), folder / "runs" / "long")
    return process_time() - begin


def _train(folder: Path) -> float:
    from training.__main__ import main  # noqa: PLC0415 - only this job needs TensorFlow

    places = ["--store", str(folder / "models"), "--runs", str(folder / "runs")]
    keys = ["epochs=1", "max_steps_per_epoch=10", "validation_characters=10000"]
    settings = [word for key in keys for word in ("--set", key)]
    begin = process_time()
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere, redirect_stdout(nowhere):
        status = main(["--corpus", str(folder / "text.txt"), "--name", "long", *places, *settings])
    if status:
        raise RuntimeError(f"the training ended with status {status}")
    return process_time() - begin
