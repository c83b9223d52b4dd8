"""The losses and samples of each epoch of a run, and of the network before its first step."""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal

from pydantic import TypeAdapter


@dataclass(frozen=True)
class Untrained:
    """The network before its first step, epoch 0: the loss in nats per character, and samples."""

    validation_loss: float
    samples: dict[str, str]
    number: Literal[0] = 0


@dataclass(frozen=True)
class Epoch:
    """The result of one epoch: losses in nats per character, and a sample by temperature."""

    number: int
    train_loss: float
    validation_loss: float
    samples: dict[str, str]


History = Sequence[Untrained | Epoch]
"""The epochs in order; runs of earlier jobs have no epoch 0."""


def dump_epochs(history: History) -> str:
    """Return epochs as JSON."""
    return json.dumps([asdict(epoch) for epoch in history], indent=1)


def load_epochs(data: bytes | str) -> History:
    """Return the epochs that `dump_epochs` wrote.

    Raises:
        ValueError: the data are no epochs.
    """
    return TypeAdapter(list[Untrained | Epoch]).validate_json(data)


def trained(history: History) -> list[Epoch]:
    """Return the epochs without epoch 0."""
    return [epoch for epoch in history if isinstance(epoch, Epoch)]


def bits(nats: float) -> float:
    """Return nats per character as bits per character."""
    return nats / math.log(2)
