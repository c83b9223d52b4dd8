"""(k) charloom, PyTorch's LSTM and a transformer learn tiny Shakespeare for five minutes of one and two cores."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from statistics import median

from benchmarks.report import Part
from benchmarks.rounds import Bar, Values, progress, ratios, spread
from training.corpus.sources import open_corpus

ROOT = Path(__file__).resolve().parents[2]
CORPORA = ROOT.parent / "shared" / "corpora"  # looked at first; else the text is downloaded

MARKS = (60, 120, 180, 300)  # processor seconds of each thread, with --seconds 1
THREADS = (1, 2)
OURS, PEERS = "charloom", ("torch", "transformer")
TITLES = {
    "charloom": "charloom, 1 × 512",
    "torch": "PyTorch `nn.LSTM`, 1 × 512",
    "transformer": "transformer, nanoGPT's recipe for processors",
}
WAYS = {"carried": "whole text", "windows": "windows of 64"}
SPEED = "characters/s"
FIRST_MINUTE = 1.70  # nats over the whole text
NOTE = """\
Losses over the last tenth of the text, in nats, after so many processor seconds of each thread; characters
learned in a processor second. The whole text is read with the state carried; the transformer reads windows of
its 64 characters that overlap by half. Each window of 64 is read from the zero state."""


def measure(rounds: int, seconds: float) -> Part:
    """Train each side in every round, with another seed."""
    marks = [mark * seconds for mark in MARKS]
    python = os.environ.get("TORCH")
    sides = [OURS, *(PEERS if python else ())]
    values: dict[str, Values] = {}
    with open_corpus(["shakespeare"], CORPORA) as corpus:
        text = corpus.files[0].path
        for seed, threads in product(range(1, rounds + 1), THREADS):
            for side in sides if seed % 2 else reversed(sides):
                progress(f"learning: round {seed} of {rounds}, {side}, threads: {threads}")
                interpreter = sys.executable if side == OURS else str(python)
                for found in run(interpreter, side, text, marks, threads, seed):
                    for kind in (SPEED, *WAYS):
                        key = _key(side, threads, kind, found["seconds"])
                        values.setdefault(key, []).append(found[kind])
    progress("")
    return Part(
        name="learning",
        title="Learning tiny Shakespeare (nats per character, by processor seconds)",
        columns=["", "threads", "", SPEED, *(f"{mark:g} s" for mark in marks)],
        rows=[_row(*which, marks, values) for which in product(sides, THREADS, WAYS)],
        values=values,
        bars=_bars(sides[1:], marks, values),
        note=NOTE
        if python
        else f"{NOTE} **The peers were skipped**: TORCH names no Python with PyTorch.",
    )


def run(
    interpreter: str, side: str, text: Path, marks: list[float], threads: int, seed: int
) -> list[dict[str, float]]:
    """Return what a side printed at each mark.

    Raises:
        CalledProcessError: the side failed; standard error has its traceback.
    """
    words = ["--marks", *map(str, marks), "--threads", str(threads), "--seed", str(seed)]
    done = subprocess.run(
        [interpreter, "-m", "benchmarks.learning.side", side, text, *words],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def _key(side: str, threads: int, kind: str, mark: float) -> str:
    return f"{side}, threads: {threads}, {kind} after {mark:g} s"


def _row(
    side: str, threads: int, way: str, marks: list[float], values: dict[str, Values]
) -> list[str]:
    speed = spread(values[_key(side, threads, SPEED, marks[-1])])
    losses = [median(values[_key(side, threads, way, mark)]) for mark in marks]
    return [TITLES[side], str(threads), WAYS[way], speed, *(f"{loss:.3f}" for loss in losses)]


def _bars(peers: Sequence[str], marks: list[float], values: dict[str, Values]) -> list[Bar]:
    """Return the bars: charloom's first minute, its speed and its losses beside those of the peers."""
    bars = []
    for threads in THREADS:
        first = values[_key(OURS, threads, "carried", marks[0])]
        bars.append(Bar(f"{threads} threads, whole text", first, "≤", FIRST_MINUTE, "nats"))
    for peer, threads, way, mark in product(peers, THREADS, WAYS, marks):
        theirs, ours = (values[_key(side, threads, way, mark)] for side in (peer, OURS))
        what = f"{TITLES[peer]}: {threads} threads, {WAYS[way]}, {mark:g} s"
        bars.append(Bar(what, ratios(theirs, ours), "≥", 1))
    for threads in THREADS if "torch" in peers else ():
        ours, theirs = (values[_key(side, threads, SPEED, marks[-1])] for side in (OURS, "torch"))
        bars.append(
            Bar(f"{TITLES['torch']}: {threads} threads, {SPEED}", ratios(ours, theirs), "≥", 1)
        )
    return bars
