"""The defaults that follow from the text: fewer characters, a smaller network; a text by teachers, no dropout.

This module imports nothing heavy, because `--help` shows the table.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from training.config import TrainingConfig

# The keys of a text with fewer characters than the number; docs/training.md has the measurements.
# The defaults of the configuration are those of a longer text.
SUITED: dict[int, dict[str, int | float]] = {
    100_000: {
        "units": 256,
        "batch_size": 8,
        "sequence_length": 32,
        "weight_drop": 0.4,
        "weight_decay": 0.2,
    },
    300_000: {
        "units": 384,
        "batch_size": 8,
        "sequence_length": 64,
        "weight_drop": 0.4,
        "weight_decay": 0.1,
    },
}
# With regularisation a network stayed behind its teachers (docs/training.md, "Distilling shakespeare").
TAUGHT = {"dropout": 0.0, "weight_drop": 0.0, "weight_decay": 0.02, "teacher_share": 0.9}
KEYS = tuple(SUITED[100_000])
ENOUGH_STEPS = 1000  # fewer steps learn too little from a text of any size
MOST_EPOCHS = 60
# The keys that the job shows before the training.
SHOWN = (
    "units",
    "batch_size",
    "sequence_length",
    "epochs",
    "dropout",
    "weight_drop",
    "weight_decay",
)


def suited(config: TrainingConfig, characters: int) -> TrainingConfig:
    """Return a configuration whose keys, where nobody has named a value, suit a text of this size."""
    values = next((keys for below, keys in SUITED.items() if characters < below), {})
    values = values | TAUGHT if config.teacher_text else values
    unnamed = {key: each for key, each in values.items() if key not in config.model_fields_set}
    return config.model_copy(update=unnamed)


def lasting(config: TrainingConfig, steps: int) -> TrainingConfig:
    """Return a configuration with epochs for ENOUGH_STEPS, where nobody has named a number.

    `steps` are those of one pass through the text. A text by teachers has enough.
    """
    if config.teacher_text or "epochs" in config.model_fields_set:
        return config
    needed = math.ceil(ENOUGH_STEPS / steps)
    return config.model_copy(update={"epochs": min(max(config.epochs, needed), MOST_EPOCHS)})


def described(config: TrainingConfig) -> str:
    """Return the keys that decide the time and the loss of a training, with their values, as words."""
    return ", ".join(f"{key} {getattr(config, key)}" for key in SHOWN)


def table() -> str:
    """Return the tables as a sentence for `--help`."""
    rows = {f"below {below:,} characters": keys for below, keys in SUITED.items()}
    tables = "; ".join(
        f"{text}: " + ", ".join(f"{key}={each}" for key, each in keys.items())
        for text, keys in {**rows, "with teacher_text": TAUGHT}.items()
    )
    return f"{tables}; of few batches: epochs for {ENOUGH_STEPS:,} steps, at most {MOST_EPOCHS}"
