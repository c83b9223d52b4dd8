"""The texts of a version for people: the model card, and the samples of every epoch."""

from pathlib import Path

from model_store import ModelDescription
from training.config import TrainingConfig
from training.frozen.runtime import WINDOW
from training.learning.epochs import bits
from training.learning.run import Run
from training.publishing.baselines import BASELINES
from training.publishing.copies_section import copies_section
from training.publishing.metrics import FACTOR, TEST_NATS, UNCALIBRATED_NATS, WINDOWS_NATS


def write_samples(run: Run, path: Path) -> None:
    """Write the samples of every epoch by temperature, each after the same held-out seed text."""
    parts = [
        f"=== epoch {epoch.number}, temperature {temperature} ===\n{run.info.seed_text}{sample}\n"
        for epoch in run.history
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
| teachers | {", ".join(map(str, description.teachers)) or "none"} |
| best epoch | {run.best.number} of {len(run.epochs)} |

{losses_table(description)}

{_remark(description)}The losses are over the held-out text ({_held_out(description, run.info.config)}), read in
order with the state carried. Windows of {WINDOW} characters are windows of the held-out text, each read from the zero
state, as nanoGPT measures.{_test_text(run.info.config)}{_calibrated(description)} The model knows nothing but the characters of its corpus, and
repeats its biases.

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
        "before calibration": UNCALIBRATED_NATS,
        "its int8 graph, as served": "int8_nats",
        f"… over windows of {WINDOW} characters": WINDOWS_NATS,
        "… over the test text": TEST_NATS,
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


def _samples(run: Run) -> str:
    return "\n".join(
        f"At {temperature}:\n\n```\n{run.info.seed_text}{sample}\n```\n"
        for temperature, sample in run.best.samples.items()
    )


def _held_out(description: ModelDescription, config: TrainingConfig) -> str:
    """Return which part of the corpus was held out, and how much of a long part was measured."""
    corpus, share = description.corpus, f"{100 * config.validation_fraction:g} % of the corpus"
    part = f"the {share} before the test text" if config.test_fraction else f"the last {share}"
    if corpus.texts is not None:
        part = (
            f"{corpus.held_out_texts:,} whole texts of {corpus.texts:,}, each from the zero state"
        )
    measured = config.validation_characters
    long = corpus.characters * config.validation_fraction > measured
    return f"{part}; its first {measured:,} characters" if long else part


def _test_text(config: TrainingConfig) -> str:
    """Return a sentence about the test text, if there is one."""
    if not config.test_fraction:
        return ""
    return (
        f" The test text, the last {100 * config.test_fraction:g} % of the corpus, is measured once, "
        "after the choice of the epoch."
    )


def _calibrated(description: ModelDescription) -> str:
    """Return a sentence about the calibration, if there was one."""
    if FACTOR not in description.metrics:
        return ""
    return (
        f" The output layer is multiplied by {description.metrics[FACTOR]:.4f}, the factor with the lowest "
        "loss over pieces of the held-out text; the samples below were drawn before."
    )


def _table(run: Run) -> str:
    rows = [f"| {key} | {value} |" for key, value in run.info.config.model_dump().items()]
    return "\n".join(["| key | value |", "|---|---|", *rows])
