"""What people look at: the model card, the learning curves, the samples of every epoch."""

from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from model_store import ModelDescription
from training.evaluate import bits
from training.run import Epoch, Run

mpl.use("agg")


def write_curves(epochs: list[Epoch], path: Path) -> None:
    """Draw training and validation loss by epoch, in nats on the left and bits on the right."""
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.add_subplot()
    numbers = [epoch.number for epoch in epochs]
    axes.plot(
        numbers, [epoch.train_loss for epoch in epochs], "o-", label="training (with dropout)"
    )
    axes.plot(numbers, [epoch.validation_loss for epoch in epochs], "o-", label="validation")
    best = min(epochs, key=lambda epoch: epoch.validation_loss)
    axes.annotate(
        f"{best.validation_loss:.4f}",
        (best.number, best.validation_loss),
        textcoords="offset points",
        xytext=(0, 8),
        ha="center",
    )
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_ylabel("nats per character")
    to_bits = (lambda nats: np.multiply(nats, bits(1)), lambda value: np.divide(value, bits(1)))
    axes.secondary_yaxis("right", functions=to_bits).set_ylabel("bits per character")
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path, dpi=120)


def write_samples(run: Run, path: Path) -> None:
    """Write what every epoch wrote from the same held-out seed text, by temperature."""
    parts = [
        f"=== epoch {epoch.number}, temperature {temperature} ===\n{run.info.seed_text}{sample}\n"
        for epoch in run.epochs
        for temperature, sample in epoch.samples.items()
    ]
    path.write_text("\n".join(parts), encoding="utf-8")


def write_card(name: str, description: ModelDescription, run: Run, path: Path) -> None:
    """Write the model card: data, network, results, configuration and a sample."""
    metrics, corpus = description.metrics, description.corpus
    architecture = description.architecture
    card = f"""# {name}

A character-level {architecture.cell.upper()} of {architecture.layers} × {architecture.units} units
with {description.vocabulary_size} symbols, trained on *{corpus.name}*.

| | |
|---|---|
| corpus | {corpus.characters:,} characters, SHA-256 `{corpus.sha256}` |
| parent | {description.parent or "none"} |
| validation loss | {metrics["validation_nats"]:.4f} nats = {bits(metrics["validation_nats"]):.4f} bits \
per character |
| of the served int8 graph | {metrics["int8_nats"]:.4f} nats |
| best epoch | {run.best.number} of {len(run.epochs)} |

The loss is that of the held-out text (the last \
{100 * run.info.config.validation_fraction:g} % of the corpus{_measured(description, run)}), read in
order with the state carried. The model knows nothing but the characters of its corpus, and repeats its biases.

## Configuration

{_table(run)}

## A sample at temperature 0.5

```
{run.info.seed_text}{run.best.samples["0.5"]}
```
"""
    path.write_text(card, encoding="utf-8")


def _measured(description: ModelDescription, run: Run) -> str:
    config = run.info.config
    held_out = description.corpus.characters * config.validation_fraction
    measured = config.validation_characters
    return f"; its first {measured:,} characters" if held_out > measured else ""


def _table(run: Run) -> str:
    rows = [f"| {key} | {value} |" for key, value in run.info.config.model_dump().items()]
    return "\n".join(["| key | value |", "|---|---|", *rows])
