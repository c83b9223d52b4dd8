"""The schemas of a version's epochs, in the form of `epochs.json`."""

from pydantic import BaseModel, Field, RootModel


class EpochPage(BaseModel):
    """The losses of an epoch in nats per character, and its samples."""

    number: int = Field(description="From 1; epoch 0 is the network before its first step.")
    train_loss: float | None = Field(None, description="Epoch 0 has no training loss.")
    validation_loss: float = Field(description="Over the held-out text.")
    samples: dict[str, str] = Field(description="By temperature, each after the same seed text.")


class Epochs(RootModel[list[EpochPage]]):
    """The epochs of a version, in their order; versions of earlier jobs have no epoch 0."""
