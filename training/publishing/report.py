"""The texts of a version for people: the model card, and the samples of every epoch."""

from pathlib import Path

from model_store import ModelDescription
from training.learning.epochs import bits
from training.learning.run import Run
from training.publishing.baselines import BASELINES
from training.publishing.copies_section import copies_section


def write_samples(run: Run, path: Path) -> None:
    """Write the samples of every epoch by temperature, each after the same held-out seed text."""
    parts = [
        f"=== epoch {epoch.number}, temperature {temperature} ===\n{run.info.seed_text}{sample}\n"
        for epoch in run.epochs
        for temperature, sample in epoch.samples.items()
    ]
    path.write_text("\n".join(parts), encoding="utf-8")


def write_card(name: str, description: ModelDescription, run: Run, path: Path) -> None:
    """Write the model card: data, network, results, configuration and a sample."""
    corpus, architecture = description.corpus, description.architecture
    card = f"""# {name}

A character-level {architecture.cell.upper()} of {architecture.layers} × {architecture.units} units
with {description.vocabulary_size} symbols, trained on *{corpus.name}*.

| | |
|---|---|
| corpus | {corpus.size}, SHA-256 `{corpus.sha256}` |
| parent | {description.parent or "none"} |
| best epoch | {run.best.number} of {len(run.epochs)} |

{losses_table(description)}

{_remark(description)}The losses are over the held-out text ({_held_out(description, run)}\
{_measured(description, run)}), read in
order with the state carried. The model knows nothing but the characters of its corpus, and repeats its biases.

{copies_section(description.metrics)}
## Samples

The same seed text at each temperature; those of every epoch are in `samples.txt`.

{_samples(run)}
## Configuration

{_table(run)}
"""
    path.write_text(card, encoding="utf-8")


def losses_table(description: ModelDescription) -> str:
    """Return a Markdown table of the known losses of the model and of the baselines."""
    names = {
        "**this model**": "validation_nats",
        "its int8 graph, as served": "int8_nats",
        **{name: f"{name}_nats" for name in BASELINES},
    }
    losses = {shown: description.metrics.get(metric) for shown, metric in names.items()}
    rows = [
        f"| {shown} | {nats:.4f} | {bits(nats):.4f} |"
        for shown, nats in losses.items()
        if nats is not None
    ]
    return "\n".join(["| | nats per character | bits per character |", "|---|---|---|", *rows])


def _remark(description: ModelDescription) -> str:
    return f"**This model {description.remark}.**\n\n" if description.remark else ""


def _held_out(description: ModelDescription, run: Run) -> str:
    """Return the words for the held-out part of a corpus."""
    corpus = description.corpus
    if corpus.texts is None:
        return f"the last {100 * run.info.config.validation_fraction:g} % of the corpus"
    return f"{corpus.held_out_texts:,} whole texts of {corpus.texts:,}, each from the zero state"


def _samples(run: Run) -> str:
    return "\n".join(
        f"At {temperature}:\n\n```\n{run.info.seed_text}{sample}\n```\n"
        for temperature, sample in run.best.samples.items()
    )


def _measured(description: ModelDescription, run: Run) -> str:
    """Return a clause that says which part of a long held-out text was measured."""
    config = run.info.config
    held_out = description.corpus.characters * config.validation_fraction
    measured = config.validation_characters
    return f"; its first {measured:,} characters" if held_out > measured else ""


def _table(run: Run) -> str:
    rows = [f"| {key} | {value} |" for key, value in run.info.config.model_dump().items()]
    return "\n".join(["| key | value |", "|---|---|", *rows])
