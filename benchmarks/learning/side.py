"""`python -m benchmarks.learning.side NAME TEXT`: train one side, and print its losses at each mark.

A mark is a number of processor seconds of training for each thread. The first step, which compiles, and the
measurements do not count. Each mark prints one line of JSON: both losses in nats, and the characters learned
in a processor second.
"""

import argparse
import importlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from time import process_time
from typing import Any, Protocol

import numpy as np

import training  # noqa: F401 - before TensorFlow, which reads the settings of the job at its import
from benchmarks.learning.recipe import LENGTH
from benchmarks.learning.text import Ids, Text

ROWS = 32  # rows of a measurement that are read at once
NAMES = {"charloom": "charloom_lstm", "torch": "torch_lstm", "transformer": "torch_transformer"}


class Network(Protocol):
    """A network in training."""

    context: int | None
    """The most characters that the network reads; None: any number."""

    def batches(self, text: Text, length: int) -> Iterator[tuple[Ids, Ids]]:
        """Yield inputs and targets [B, length] for ever."""

    def step(self, inputs: Ids, targets: Ids) -> None:
        """Update the weights once."""

    def losses(self, rows: Ids) -> Any:
        """Return the losses [B, T − 1] in nats of all characters of rows [B, T] but the first."""


def nats(network: Network, rows: Ids, skip: int) -> float:
    """Return the mean loss over rows [N, T], without the first `skip` losses of each row."""
    parts = np.array_split(rows, -(-len(rows) // ROWS))
    return float(np.mean(np.concatenate([network.losses(part)[:, skip:] for part in parts])))


def main() -> None:
    """Train the side, and measure at each mark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=list(NAMES))
    parser.add_argument("text", type=Path)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--marks", type=float, nargs="+", default=[60, 120, 180, 300])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--length", type=int, default=LENGTH, help="characters of a sequence")
    parser.add_argument("--float32", action="store_true", help="no products in bf16")
    asked = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = str(asked.threads)  # read once, when a library is imported
    module = importlib.import_module(f"{__package__}.{NAMES[asked.name]}")
    text = Text.read(asked.text)
    network: Network = module.network(text.symbols, asked.threads, asked.seed, not asked.float32)
    batches = network.batches(text, asked.length)
    network.step(*next(batches))
    learned, spent = 0, 0.0
    for mark in asked.marks:
        while spent < mark * asked.threads:
            begin = process_time()
            inputs, targets = next(batches)
            network.step(inputs, targets)
            spent += process_time() - begin
            learned += targets.size
        found = {
            "seconds": mark,
            "carried": nats(network, *text.whole(network.context)),
            "windows": nats(network, *text.windows()),
            "characters/s": learned / spent,
        }
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
