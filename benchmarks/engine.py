"""(a) The engine alone against other ways to run the same weights."""

from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from statistics import median

from benchmarks.report import Part
from benchmarks.rounds import Bar, interleave, number, ratios, spread
from benchmarks.side import Side

SIZES = [1, 8, 64]
OURS = "charloom"
ONE_STEP = "TensorFlow tutorial, OneStep"
PEERS = {
    OURS: "charloom:Charloom.generate",
    "lecture, 25-character window": "lecture:Lecture.generate",
    ONE_STEP: "one_step:OneStep.generate",
    "TensorFlow, whole loop in a graph": "tensorflow_loop:TensorFlowLoop.generate",
    "ONNX Runtime, LSTM operator": "onnx_lstm:OnnxLstm.generate",
}


def measure(rounds: int, seconds: float) -> Part:
    """Measure characters per second of every peer at every size, sampling included."""
    with ExitStack() as stack:
        peers = {
            name: stack.enter_context(Side(path)).warm_up(*SIZES) for name, path in PEERS.items()
        }
        sides: dict[str, Callable[[], float]] = {
            key(name, size): partial(peer.rate, size, seconds)
            for size in SIZES
            for name, peer in peers.items()
        }
        values = interleave(sides, rounds, "engine")
    ours = {size: values[key(OURS, size)] for size in SIZES}

    def cell(name: str, size: int) -> str:
        return spread(values[key(name, size)])

    def times(name: str, size: int) -> str:
        if name == OURS:
            return ""
        return f"{number(median(ratios(ours[size], values[key(name, size)])))} ×"

    return Part(
        name="engine",
        title="The engine alone: characters per second, sampling included",
        columns=["", *(column for size in SIZES for column in (f"{size} at once", "charloom is"))],
        rows=[
            [name, *(text for size in SIZES for text in (cell(name, size), times(name, size)))]
            for name in PEERS
        ],
        values=values,
        bars=[
            Bar(
                f"{size} at once, times OneStep",
                ratios(ours[size], values[key(ONE_STEP, size)]),
                "≥",
                wanted,
            )
            for size, wanted in [(1, 10), (64, 5)]
        ],
    )


def key(name: str, size: int) -> str:
    """Return the name of a side at a number of sequences."""
    return f"{name} @ {size}"
