"""The folder of one training run: its configuration, what each epoch reached, the best weights."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.config import TrainingConfig
from training.corpus import Corpus
from training.errors import TrainingError

Weights = list[NDArray[Any]]


@dataclass(frozen=True)
class Epoch:
    """What one epoch reached: losses in nats per character and a sample by temperature."""

    number: int
    train_loss: float
    validation_loss: float
    samples: dict[str, str]


@dataclass(frozen=True)
class RunInfo:
    """What determines a run: its configuration and the text it learns from."""

    config: TrainingConfig
    corpus_sha256: str
    seed_text: str


class Run:
    """A run on disk. Files: `run.json`, `epochs.json`, `best.npz`; each is replaced atomically."""

    def __init__(self, folder: Path, info: RunInfo, epochs: list[Epoch]) -> None:
        self.folder, self.info, self.epochs = folder, info, epochs

    @classmethod
    def create(cls, folder: Path, info: RunInfo) -> "Run":
        """Start a run in the folder; what an earlier run left there is replaced."""
        folder.mkdir(parents=True, exist_ok=True)
        for leftover in ("epochs.json", "best.npz"):
            (folder / leftover).unlink(missing_ok=True)
        values = asdict(info) | {"config": info.config.model_dump()}
        _replace(folder / "run.json", json.dumps(values, indent=1).encode())
        return cls(folder, info, [])

    @classmethod
    def open(cls, folder: Path) -> "Run":
        """Open a run that has finished at least one epoch.

        Raises:
            TrainingError: there is no such run in the folder.
        """
        try:
            values = json.loads((folder / "run.json").read_bytes())
            epochs = [Epoch(**epoch) for epoch in json.loads((folder / "epochs.json").read_bytes())]
            if not epochs:
                raise ValueError("no epochs")
            info = RunInfo(**values | {"config": TrainingConfig(**values["config"])})
        except FileNotFoundError:
            raise TrainingError(f"{folder} holds no run with a finished epoch to publish") from None
        except (KeyError, TypeError, ValueError):
            raise TrainingError(
                f"the run in {folder} is damaged, or was made by another version of this job: "
                "train again"
            ) from None
        return cls(folder, info, epochs)

    def require(self, corpus: Corpus) -> None:
        """Make sure that the run learned from this very text.

        Raises:
            TrainingError: it learned from another one.
        """
        if corpus.sha256 != self.info.corpus_sha256:
            raise TrainingError(f"the run in {self.folder} was trained on another text")

    @property
    def best(self) -> Epoch:
        """The epoch with the lowest validation loss."""
        return min(self.epochs, key=lambda epoch: epoch.validation_loss)

    def record(self, epoch: Epoch, weights: Weights) -> None:
        """Add an epoch; keep its weights if it is the best so far."""
        if not self.epochs or epoch.validation_loss < self.best.validation_loss:
            partial = self.folder / "best.partial.npz"
            np.savez(partial, *weights)
            partial.replace(self.folder / "best.npz")
        listing = json.dumps([asdict(each) for each in [*self.epochs, epoch]], indent=1)
        _replace(self.folder / "epochs.json", listing.encode())
        # Last, so that an interrupt before this line leaves no epoch that is not on disk.
        self.epochs.append(epoch)

    def best_weights(self) -> Weights:
        """Return the weights of the best epoch, in the model's order."""
        with np.load(self.folder / "best.npz") as arrays:
            return [arrays[f"arr_{index}"] for index in range(len(arrays.files))]


def _replace(path: Path, data: bytes) -> None:
    partial = path.with_suffix(".partial")
    partial.write_bytes(data)
    partial.replace(path)
