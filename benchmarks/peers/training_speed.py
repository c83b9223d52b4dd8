"""`python benchmarks/peers/training_speed.py charloom|torch`: characters learned per CPU second.

Both sides train a 1×512 LSTM on random characters, in batches of 32 × 128. The side `torch` needs
PyTorch alone, so that it runs in an environment of its own.
"""

import argparse
from collections.abc import Callable
from statistics import median
from time import process_time
from typing import Any

import numpy as np

UNITS, EMBEDDING, SYMBOLS = 512, 128, 65
BATCH, LENGTH = 32, 128
RATE = 2.5e-3

Step = Callable[[Any, Any], object]  # inputs and targets, each [BATCH, LENGTH]


def charloom(threads: int, bfloat16: bool) -> Step:
    """Return the training step of this project."""
    import tensorflow as tf  # noqa: PLC0415 - the side torch has no TensorFlow

    from model_store import Vocabulary  # noqa: PLC0415
    from training.config import TrainingConfig  # noqa: PLC0415
    from training.learning.trainer import Trainer  # noqa: PLC0415

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    precision = "mixed_bfloat16" if bfloat16 else "float32"
    keys = {"units": UNITS, "weight_drop": 0.0, "dropout": 0.0, "precision": precision}
    config = TrainingConfig.model_validate(keys)
    vocabulary = Vocabulary.from_text("".join(map(chr, range(32, 32 + SYMBOLS))))
    return Trainer(config, vocabulary, steps_per_epoch=1000).step


def torch(threads: int, bfloat16: bool) -> Step:
    """Return a training step of PyTorch's `nn.LSTM` in the same network, with the state carried."""
    import torch  # noqa: PLC0415

    torch.set_num_threads(threads)
    embedding = torch.nn.Embedding(SYMBOLS, EMBEDDING)
    lstm = torch.nn.LSTM(EMBEDDING, UNITS, batch_first=True)
    output = torch.nn.Linear(UNITS, SYMBOLS)
    weights = [*embedding.parameters(), *lstm.parameters(), *output.parameters()]
    optimizer = torch.optim.AdamW(weights, RATE)
    state = [torch.zeros(1, BATCH, UNITS) for _ in "hc"]

    def step(inputs: Any, targets: Any) -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
            hidden, after = lstm(embedding(torch.tensor(inputs)), tuple(state))
            logits = output(hidden).float().flatten(0, 1)
        loss = torch.nn.functional.cross_entropy(logits, torch.tensor(targets).flatten())
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        state[:] = [part.detach().float() for part in after]

    return step


def rates(step: Step, steps: int) -> list[float]:
    """Return the characters per CPU second of each step, without the two first ones, which compile."""
    rng, found = np.random.default_rng(0), []
    for _ in range(2 + steps):
        window = rng.integers(0, SYMBOLS, (BATCH, LENGTH + 1))
        begin = process_time()
        step(window[:, :-1], window[:, 1:])
        found.append(BATCH * LENGTH / (process_time() - begin))
    return found[2:]


def main() -> None:
    """Measure one side, and print the median with the lowest and the highest rate."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("side", choices=["charloom", "torch"])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--bfloat16", action="store_true")
    parser.add_argument("--steps", type=int, default=10)
    asked = parser.parse_args()
    side = {"charloom": charloom, "torch": torch}[asked.side]
    found = rates(side(asked.threads, asked.bfloat16), asked.steps)
    print(
        f"{asked.side}: {median(found):,.0f} ({min(found):,.0f} – {max(found):,.0f}) per CPU second"
    )


if __name__ == "__main__":
    main()
