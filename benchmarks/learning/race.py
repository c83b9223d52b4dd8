"""(k) charloom, PyTorch's LSTM and a transformer learn tiny Shakespeare for five minutes of one core."""

import json
import os
import subprocess
import sys
from pathlib import Path

from benchmarks.report import Part
from benchmarks.rounds import Bar, Values, progress, ratios, spread
from training.corpus.sources import open_corpus

ROOT = Path(__file__).resolve().parents[2]
CORPORA = ROOT.parent / "shared" / "corpora"  # looked at first; else the text is downloaded

MARKS = (60, 120, 180, 300)  # processor seconds of one thread, with --seconds 1
OURS, PEERS = "charloom", ("torch", "transformer")
TITLES = {
    "charloom": "charloom, 1 × 512",
    "torch": "PyTorch `nn.LSTM`, 1 × 512",
    "transformer": "transformer, nanoGPT's recipe for processors",
}
WAYS = {"carried": "whole text", "windows": "windows of 64"}
SPEED = "characters/s"
NOTE = """\
Losses over the last tenth of the text, in nats, after so many processor seconds of one thread. The whole
text is read with the state carried; the transformer reads windows of its 64 characters that overlap by half.
Each window of 64 is read from the zero state."""


def measure(rounds: int, seconds: float) -> Part:
    """Train each side in every round, with another seed."""
    marks = [mark * seconds for mark in MARKS]
    python = os.environ.get("TORCH")
    sides = [OURS, *(PEERS if python else ())]
    values: dict[str, Values] = {}
    with open_corpus(["shakespeare"], CORPORA) as corpus:
        text = corpus.files[0].path
        for seed in range(1, rounds + 1):
            for side in sides if seed % 2 else reversed(sides):
                progress(f"learning: round {seed} of {rounds}, {side}")
                interpreter = sys.executable if side == OURS else python
                for found in run(str(interpreter), side, text, marks, seed):
                    values.setdefault(_key(side, SPEED, marks[-1]), []).append(found[SPEED])
                    for way in WAYS:
                        key = _key(side, way, found["seconds"])
                        values.setdefault(key, []).append(found[way])
    progress("")
    return Part(
        name="learning",
        title="Learning tiny Shakespeare with one thread (nats per character, by processor seconds)",
        columns=["", "", SPEED, *(f"{mark:g} s" for mark in marks)],
        rows=[_row(side, way, marks, values) for side in sides for way in WAYS],
        values=values,
        bars=[
            Bar(f"{TITLES[peer]}, {mark:g} s, {shown}", _ahead(values, peer, way, mark), "≥", 1)
            for peer in sides[1:]
            for way, shown in WAYS.items()
            for mark in marks
        ],
        note=NOTE
        if python
        else f"{NOTE} **The peers were skipped**: TORCH names no Python with PyTorch.",
    )


def run(
    interpreter: str, side: str, text: Path, marks: list[float], seed: int, *more: str
) -> list[dict[str, float]]:
    """Return what a side printed at each mark.

    Raises:
        CalledProcessError: the side failed; standard error has its traceback.
    """
    words = ["--marks", *map(str, marks), "--seed", str(seed), *more]
    done = subprocess.run(
        [interpreter, "-m", "benchmarks.learning.side", side, text, *words],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def _key(side: str, kind: str, mark: float) -> str:
    return f"{side}: {kind} after {mark:g} s"


def _row(side: str, way: str, marks: list[float], values: dict[str, Values]) -> list[str]:
    speed = spread(values[_key(side, SPEED, marks[-1])])
    losses = (values[_key(side, way, mark)] for mark in marks)
    return [TITLES[side], WAYS[way], speed, *(f"{_middle(loss):.3f}" for loss in losses)]


def _middle(losses: Values) -> float:
    return sorted(losses)[len(losses) // 2]


def _ahead(values: dict[str, Values], peer: str, way: str, mark: float) -> Values:
    """Return the peer's losses as multiples of charloom's."""
    return ratios(values[_key(peer, way, mark)], values[_key(OURS, way, mark)])
