"""The folder of one training run: configuration, epochs, best weights and checkpoint."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import chain, takewhile
from pathlib import Path
from typing import Any, TypeVar

from numpy.typing import NDArray
from pydantic import TypeAdapter

from model_store import Parent, Vocabulary, contents, locked, write_atomically
from training.config import TrainingConfig
from training.corpus.sources import Corpus
from training.errors import TrainingError
from training.learning.arrays import Arrays, read_arrays, write_arrays
from training.learning.epochs import Epoch, History, Untrained, dump_epochs, load_epochs, trained
from training.sealed import sealed_json, unsealed_json

Content = TypeVar("Content")

INFO, LOCK = "run.json", ".lock"
CHECKPOINT, BEFORE = "checkpoint.npz", "checkpoint.before.npz"
WRITTEN, TARGETS = "written.npy", "targets.npy"  # of `training.learning.distil`
EVENTS = "events.out.tfevents.*"  # the files of `training.learning.board`


@dataclass(frozen=True)
class RunInfo:
    """The inputs that determine a run: configuration, text, parent version and number of workers."""

    config: TrainingConfig
    corpus_sha256: str
    symbols: str  # of the vocabulary, in order
    seed_text: str
    parent: Parent | None = None
    workers: int = 1
    teachers: tuple[Parent, ...] = ()

    @property
    def given(self) -> Vocabulary | None:
        """The vocabulary of the parent and the teachers, or None without them."""
        return Vocabulary(tuple(self.symbols)) if self.parent or self.teachers else None


class Run:
    """A run on disk; every file is replaced atomically, so that a kill leaves no file half written.

    Every file that is read again is sealed, so that a file that the disk or a copy damages is noticed.

    Files: `run.json`, `epochs.json`, `best-<epoch>.npz`, TensorBoard's `events.out.tfevents.*`
    and, until the run is published, `checkpoint.npz`, the checkpoint before, which stands in for a
    damaged one, and `written.npy` and `targets.npy` of a run with teachers.
    """

    def __init__(self, folder: Path, info: RunInfo, history: History) -> None:
        self.folder, self.info, self.epochs = folder, info, trained(history)
        self.untrained = next((one for one in history if isinstance(one, Untrained)), None)
        """The network before its first step, if the run has measured it."""
        self.damaged: list[Path] = []
        """The damaged files that others stood in for when the run was read."""
        self._weights: set[int] = set()  # the epochs whose weights are whole on disk

    @classmethod
    def start(cls, folder: Path, info: RunInfo, *, fresh: bool = False) -> "Run":
        """Continue the unfinished run in the folder, or begin a new run.

        Raises:
            TrainingError: the unfinished run has other inputs, or a damaged file that no other
                stands in for, and `fresh` is false.
        """
        folder.mkdir(parents=True, exist_ok=True)
        for leftover in folder.glob(".*.npz.*"):
            leftover.unlink()  # a killed write left the file
        checkpoints = [file for file in (folder / CHECKPOINT, folder / BEFORE) if file.exists()]
        if fresh or not checkpoints:
            return cls._begin(folder, info)
        run = cls._read(folder)
        if run.info != info:
            raise TrainingError(
                f"{folder} holds an unfinished run {_difference(run.info, info)}: repeat its "
                "command to go on, or give it up with --fresh, or choose another --name or --runs"
            )
        run.damaged += _discard_damaged(checkpoints, folder / CHECKPOINT)
        # An epoch recorded after the checkpoint is trained again. The epoch is deleted on disk too,
        # because the next checkpoint deletes its weights.
        next_epoch = run.next_epoch
        run.epochs = [epoch for epoch in run.epochs if epoch.number < next_epoch]
        if next_epoch > info.config.epochs:
            run.require_best("begin anew with --fresh")
        _write_epochs(folder, run.history)
        return run

    @classmethod
    def open(cls, folder: Path) -> "Run":
        """Open a run that has finished at least one epoch.

        Raises:
            TrainingError: the folder holds no such run, or the weights of the run are damaged.
        """
        run = cls._read(folder) if (folder / INFO).exists() else None
        if run is None or not run.epochs:
            raise TrainingError(f"{folder} holds no run with a finished epoch to publish")
        run.require_best("go on with the training, or begin anew with --fresh")
        return run

    @classmethod
    def _begin(cls, folder: Path, info: RunInfo) -> "Run":
        files = (CHECKPOINT, BEFORE, WRITTEN, TARGETS, "best-*.npz", EVENTS)
        for leftover in chain.from_iterable(map(folder.glob, files)):
            leftover.unlink()
        _write_epochs(folder, [])
        dumped = TypeAdapter(RunInfo).dump_json(info).decode()
        write_atomically(folder / INFO, sealed_json(dumped))
        return cls(folder, info, [])

    @classmethod
    def _read(cls, folder: Path) -> "Run":
        info = _content(folder / INFO, TypeAdapter(RunInfo).validate_json)
        run = cls(folder, info, _content(folder / contents.EPOCHS, load_epochs))
        for epoch in run.epochs:
            file = run._file_of(epoch)
            if file.exists():
                whole = read_arrays(file) is not None
                (run._weights.add(epoch.number) if whole else run.damaged.append(file))
        return run

    def require(self, corpus: Corpus) -> None:
        """Check that the run was trained on this corpus.

        Raises:
            TrainingError: the run was trained on another text.
        """
        if corpus.sha256 != self.info.corpus_sha256:
            raise TrainingError(f"the run in {self.folder} was trained on another text")

    @property
    def has_best(self) -> bool:
        """Whether the weights of an epoch are kept."""
        return any(epoch.number in self._weights for epoch in self.epochs)

    @property
    def best(self) -> Epoch:
        """The epoch with the lowest validation loss, of those whose weights are kept."""
        kept = (epoch for epoch in self.epochs if epoch.number in self._weights)
        return min(kept, key=lambda epoch: epoch.validation_loss)

    def best_weights(self) -> list[NDArray[Any]]:
        """Return the weights of the best epoch, in the model's order.

        Raises:
            TrainingError: the file of the weights is damaged.
        """
        file = self._file_of(self.best)
        arrays = read_arrays(file)
        if arrays is None:
            raise TrainingError(f"{file} cannot be read: begin anew with --fresh")
        return [arrays[f"arr_{index}"] for index in range(len(arrays))]

    @property
    def history(self) -> History:
        """The epochs, with epoch 0 if it was measured."""
        return [*filter(None, [self.untrained]), *self.epochs]

    def record_untrained(self, untrained: Untrained) -> None:
        """Record the network before its first step; its weights are never the best ones."""
        self.untrained = untrained
        _write_epochs(self.folder, self.history)

    def record(self, epoch: Epoch, weights: list[NDArray[Any]]) -> None:
        """Add an epoch; write its weights if its validation loss is the lowest so far."""
        if not self.has_best or epoch.validation_loss < self.best.validation_loss:
            write_arrays(self._file_of(epoch), *weights)
            self._weights.add(epoch.number)
        _write_epochs(self.folder, [*self.history, epoch])
        # Last, so that an interrupt before this line leaves no epoch in memory that is not on disk.
        self.epochs = [*self.epochs, epoch]

    @property
    def next_epoch(self) -> int:
        """The epoch of the checkpoint; after the last epoch, the number that would follow."""
        arrays = self.checkpoint()
        return 1 if arrays is None else int(arrays["epoch"])

    def checkpoint(self) -> Arrays | None:
        """Return the arrays of the checkpoint by name, or None without a checkpoint."""
        return read_arrays(self.folder / CHECKPOINT)

    def save(self, arrays: Arrays) -> None:
        """Write a checkpoint and keep the one before; delete weights that are no longer the best."""
        if (self.folder / CHECKPOINT).exists():
            (self.folder / CHECKPOINT).replace(self.folder / BEFORE)
        write_arrays(self.folder / CHECKPOINT, **arrays)
        # Afterwards, since a run that continues from the old checkpoint may need the old best weights.
        best = self._file_of(self.best) if self.has_best else None
        for path in self.folder.glob("best-*.npz"):
            if path != best:
                path.unlink()

    def close(self) -> None:
        """Delete what a published run leaves for its training, so that the next run begins anew."""
        for name in (WRITTEN, TARGETS, BEFORE, CHECKPOINT):
            (self.folder / name).unlink(missing_ok=True)

    def require_best(self, remedy: str) -> None:
        """Check that there are weights to publish; `remedy` ends the message of the error."""
        if not self.has_best:
            files = ", ".join(map(str, self.damaged)) or f"the weights {self.folder}/best-….npz"
            raise TrainingError(
                f"{files} cannot be read, and there are no other weights to publish: {remedy}"
            )

    def _file_of(self, epoch: Epoch) -> Path:
        return self.folder / f"best-{epoch.number}.npz"


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Lock the folder of a run during the block; create the folder if it is missing.

    Raises:
        TrainingError: another training holds the lock.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        try:
            stack.enter_context(locked(folder / LOCK, wait=False))
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
    if old.teachers != new.teachers:
        changed.append(f"{', '.join(map(str, old.teachers)) or 'no version'} as teachers")
    if old.workers != new.workers:
        changed.append(f"{old.workers} workers")
    return f"with {', '.join(changed)}" if changed else "of another text"


def _discard_damaged(checkpoints: list[Path], place: Path) -> list[Path]:
    """Move the newest whole checkpoint to its place, and return the damaged ones that are newer.

    Raises:
        TrainingError: every checkpoint is damaged.
    """
    damaged = list(takewhile(lambda file: read_arrays(file) is None, checkpoints))
    if damaged == checkpoints:
        raise TrainingError(
            f"{' and '.join(map(str, damaged))} cannot be read: publish the best weights so far "
            "with --publish-only, or begin anew with --fresh"
        )
    checkpoints[len(damaged)].replace(place)
    return damaged


def _content(path: Path, load: Callable[[str], Content]) -> Content:
    """Return what `load` makes of the content of a sealed JSON file.

    Raises:
        TrainingError: the file is missing or damaged.
    """
    try:
        return load(unsealed_json(path.read_bytes()))
    except (FileNotFoundError, ValueError):
        raise TrainingError(
            f"{path} is damaged, or was made by another version of this job: train again with --fresh"
        ) from None


def _write_epochs(folder: Path, history: History) -> None:
    write_atomically(folder / contents.EPOCHS, sealed_json(dump_epochs(history)))
