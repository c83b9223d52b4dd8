"""(b) The limits of the processor: the engine against large matrix products."""

from contextlib import ExitStack
from functools import partial
from statistics import median

from benchmarks.engine import OURS, PEERS
from benchmarks.machine import kind
from benchmarks.peers.products import OPERATIONS
from benchmarks.report import Part
from benchmarks.rounds import Bar, Values, interleave, number, ratios, spread
from benchmarks.side import Side
from benchmarks.weights import operations_per_character

FP32 = {
    "fp32 product, NumPy": "products:NumpyProduct.multiply",
    "fp32 product, TensorFlow": "products:TensorFlowProduct.multiply",
    "fp32 product, ONNX Runtime": "products:OnnxProduct.multiply",
}
INTEGER = "integer product, ONNX Runtime"
SEQUENCES = 64
FP32_BARS = {"avx512_vnni": 2.3, "avx2": 1.5}


def measure(rounds: int, seconds: float) -> Part:
    """Measure 2048³ products and the engine at 64 sequences in turn."""
    paths = FP32 | {INTEGER: "products:OnnxIntegerProduct.multiply"}
    with ExitStack() as stack:
        products = {
            name: stack.enter_context(Side(path)).warm_up(1) for name, path in paths.items()
        }
        engine = stack.enter_context(Side(PEERS[OURS])).warm_up(SEQUENCES)
        values = interleave(
            {OURS: partial(engine.rate, SEQUENCES, seconds)}
            | {name: partial(side.rate, 1, seconds / 2) for name, side in products.items()},
            rounds,
            "limits",
        )
    # Characters per second of a network that computed nothing but its products.
    limits = {
        name: [rate * OPERATIONS / operations_per_character() for rate in values[name]]
        for name in paths
    }
    fp32 = limits[max(FP32, key=lambda name: median(limits[name]))]
    return Part(
        name="limits",
        title="The limits: 2048³ products on all cores",
        columns=["", "10⁹ operations/s", "characters/s", "charloom's share"],
        rows=[
            _row(OURS, values[OURS], values[OURS]),
            *(_row(name, limits[name], values[OURS]) for name in paths),
        ],
        values=values,
        bars=[
            Bar(
                "64 at once, times the fp32 limit",
                ratios(values[OURS], fp32),
                "≥",
                FP32_BARS[kind()],
            ),
            Bar(
                "64 at once, share of the integer limit",
                [100 * share for share in ratios(values[OURS], limits[INTEGER])],
                "≥",
                75,
                "%",
            ),
        ],
    )


def _row(name: str, characters: Values, ours: Values) -> list[str]:
    giga = [rate * operations_per_character() / 1e9 for rate in characters]
    share = 100 * median(ratios(ours, characters))
    return [name, spread(giga), spread(characters), f"{number(share)} %"]
