"""The losses and samples of each epoch of a run."""

import json
import math
from dataclasses import asdict, dataclass

from pydantic import TypeAdapter


@dataclass(frozen=True)
class Epoch:
    """The result of one epoch: losses in nats per character, and a sample by temperature."""

    number: int
    train_loss: float
    validation_loss: float
    samples: dict[str, str]


def dump_epochs(epochs: list[Epoch]) -> str:
    """Return epochs as JSON."""
    return json.dumps([asdict(epoch) for epoch in epochs], indent=1)


def load_epochs(data: bytes) -> list[Epoch]:
    """Return the epochs that `dump_epochs` wrote.

    Raises:
        ValueError: the data are no epochs.
    """
    return TypeAdapter(list[Epoch]).validate_json(data)


def bits(nats: float) -> float:
    """Return nats per character as bits per character."""
    return nats / math.log(2)
