"""The folder of one training run: configuration, epochs, best weights and checkpoint."""

import fcntl
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

from model_store import Parent, contents, write_atomically
from training.config import TrainingConfig
from training.corpus.sources import Corpus
from training.errors import TrainingError
from training.learning.epochs import Epoch, dump_epochs, load_epochs

Arrays = dict[str, NDArray[Any]]

INFO, CHECKPOINT, LOCK = "run.json", "checkpoint.npz", ".lock"
EVENTS = "events.out.tfevents.*"  # the files of `training.learning.board`


@dataclass(frozen=True)
class RunInfo:
    """The inputs that determine a run: configuration, text, parent version and number of workers."""

    config: TrainingConfig
    corpus_sha256: str
    seed_text: str
    parent: Parent | None = None
    workers: int = 1


class Run:
    """A run on disk; every file is replaced atomically, so that a kill leaves no file half written.

    Files: `run.json`, `epochs.json`, `best-<epoch>.npz`, TensorBoard's `events.out.tfevents.*`
    and, until the run is published, `checkpoint.npz`.
    """

    def __init__(self, folder: Path, info: RunInfo, epochs: list[Epoch]) -> None:
        self.folder, self.info, self.epochs = folder, info, epochs

    @classmethod
    def start(cls, folder: Path, info: RunInfo, *, fresh: bool = False) -> "Run":
        """Continue the unfinished run in the folder, or begin a new run.

        Raises:
            TrainingError: the unfinished run has other inputs, and `fresh` is false.
        """
        folder.mkdir(parents=True, exist_ok=True)
        for leftover in folder.glob(".*.npz.*"):
            leftover.unlink()  # a killed write left the file
        if fresh or not (folder / CHECKPOINT).exists():
            return cls._begin(folder, info)
        run = cls._read(folder)
        if run.info != info:
            raise TrainingError(
                f"{folder} holds an unfinished run {_difference(run.info, info)}: repeat its "
                "command to go on, or give it up with --fresh, or choose another --name or --runs"
            )
        # An epoch recorded after the checkpoint is trained again. The epoch is deleted on disk too,
        # because the next checkpoint deletes its weights.
        run.epochs = [epoch for epoch in run.epochs if epoch.number < run.next_epoch]
        write_atomically(folder / contents.EPOCHS, dump_epochs(run.epochs).encode())
        return run

    @classmethod
    def open(cls, folder: Path) -> "Run":
        """Open a run that has finished at least one epoch.

        Raises:
            TrainingError: the folder holds no such run.
        """
        run = cls._read(folder) if (folder / INFO).exists() else None
        if run is None or not run.epochs:
            raise TrainingError(f"{folder} holds no run with a finished epoch to publish")
        return run

    @classmethod
    def _begin(cls, folder: Path, info: RunInfo) -> "Run":
        for leftover in (folder / CHECKPOINT, *folder.glob("best-*.npz"), *folder.glob(EVENTS)):
            leftover.unlink(missing_ok=True)
        write_atomically(folder / contents.EPOCHS, b"[]")
        write_atomically(folder / INFO, TypeAdapter(RunInfo).dump_json(info, indent=1))
        return cls(folder, info, [])

    @classmethod
    def _read(cls, folder: Path) -> "Run":
        try:
            epochs = load_epochs((folder / contents.EPOCHS).read_bytes())
            info = TypeAdapter(RunInfo).validate_json((folder / INFO).read_bytes())
        except (FileNotFoundError, ValueError):
            raise TrainingError(
                f"the run in {folder} is damaged, or was made by another version of this job: "
                "train again with --fresh"
            ) from None
        return cls(folder, info, epochs)

    def require(self, corpus: Corpus) -> None:
        """Check that the run was trained on this corpus.

        Raises:
            TrainingError: the run was trained on another text.
        """
        if corpus.sha256 != self.info.corpus_sha256:
            raise TrainingError(f"the run in {self.folder} was trained on another text")

    @property
    def best(self) -> Epoch:
        """The epoch with the lowest validation loss."""
        return min(self.epochs, key=lambda epoch: epoch.validation_loss)

    def best_weights(self) -> list[NDArray[Any]]:
        """Return the weights of the best epoch, in the model's order."""
        with np.load(self._best_file()) as arrays:
            return [arrays[f"arr_{index}"] for index in range(len(arrays.files))]

    def record(self, epoch: Epoch, weights: list[NDArray[Any]]) -> None:
        """Add an epoch; write its weights if its validation loss is the lowest so far."""
        epochs = [*self.epochs, epoch]
        if epoch is min(epochs, key=lambda each: each.validation_loss):
            _write_arrays(self.folder / f"best-{epoch.number}.npz", *weights)
        write_atomically(self.folder / contents.EPOCHS, dump_epochs(epochs).encode())
        # Last, so that an interrupt before this line leaves no epoch in memory that is not on disk.
        self.epochs = epochs

    @property
    def next_epoch(self) -> int:
        """The epoch of the checkpoint; after the last epoch, the number that would follow."""
        with np.load(self.folder / CHECKPOINT) as arrays:
            return int(arrays["epoch"])

    def checkpoint(self) -> Arrays | None:
        """Return the arrays of the checkpoint by name, or None without a checkpoint."""
        if not (self.folder / CHECKPOINT).exists():
            return None
        with np.load(self.folder / CHECKPOINT) as arrays:
            return dict(arrays)

    def save(self, arrays: Arrays) -> None:
        """Replace the checkpoint; delete weights that are no longer the best."""
        _write_arrays(self.folder / CHECKPOINT, **arrays)
        # Afterwards, since a run that continues from the old checkpoint may need the old best weights.
        for path in self.folder.glob("best-*.npz"):
            if not self.epochs or path != self._best_file():
                path.unlink()

    def close(self) -> None:
        """Delete the checkpoint of a published run, so that the next run in the folder begins anew."""
        (self.folder / CHECKPOINT).unlink(missing_ok=True)

    def _best_file(self) -> Path:
        return self.folder / f"best-{self.best.number}.npz"


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Lock the folder of a run during the block; create the folder if it is missing.

    Raises:
        TrainingError: another training holds the lock.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOCK).open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise TrainingError(
                f"another training works in {folder}: wait for its end, or choose another --name "
                "or --runs"
            ) from None
        yield


def _difference(old: RunInfo, new: RunInfo) -> str:
    """Describe the inputs of an old run that a new run does not have."""
    changed = [
        f"{key}={value}"
        for key, value in old.config.model_dump().items()
        if value != getattr(new.config, key)
    ]
    if old.parent != new.parent:
        changed.append(f"{old.parent or 'random weights'} to begin with")
    if old.workers != new.workers:
        changed.append(f"{old.workers} workers")
    return f"with {', '.join(changed)}" if changed else "of another text"


def _write_arrays(path: Path, *arrays: NDArray[Any], **named: NDArray[Any]) -> None:
    data = io.BytesIO()
    np.savez(data, *arrays, **named)  # type: ignore[arg-type]
    write_atomically(path, data.getvalue())
