"""Models as the service holds them: loaded at first use, each with its own engine thread."""

import os
import threading
from dataclasses import dataclass

from model_store import DamagedVersion, LayeredStore, Manifest, StoredModel, Vocabulary
from service.engine import Engine, OnnxEngine
from service.errors import ModelUnavailable
from service.scheduler import Scheduler
from service.settings import Settings
from service.worker import Worker


@dataclass(frozen=True)
class LoadedModel:
    """A model that can answer."""

    manifest: Manifest
    vocabulary: Vocabulary
    workers: tuple[Worker, ...]
    identity: str
    """What determines its characters: the files' digest and the engine that computes on them."""

    def least_busy(self) -> Worker:
        """Return the worker with the fewest generations."""
        return min(self.workers, key=lambda worker: worker.running + worker.waiting)

    @property
    def line_end(self) -> str:
        """What an empty seed text stands for: a line end, or else the first symbol."""
        return "\n" if "\n" in self.vocabulary.symbols else self.vocabulary.symbols[0]


class Models:
    """Finds models by reference and keeps those that were asked for loaded."""

    def __init__(self, store: LayeredStore, settings: Settings) -> None:
        self.store = store
        self._settings = settings
        self._loaded: dict[tuple[str, int], LoadedModel] = {}
        self._meant: dict[str, LoadedModel] = {}  # by reference, so that hits read no disk
        self._lock = threading.Lock()

    def get(self, reference: str | None) -> LoadedModel:
        """Return the model that a reference means; none means the default model.

        What a reference meant when it was first asked for, it means until a restart.

        Raises:
            ModelNotFound: there is no such model.
            ModelUnavailable: it is there but cannot be loaded.
        """
        reference = self._settings.model if reference is None else reference
        meant = self._meant.get(reference)
        if meant is None:
            meant = self._meant[reference] = self._open(*self.store.resolve(reference))
        return meant

    def _open(self, name: str, version: int) -> LoadedModel:
        with self._lock:
            if (name, version) not in self._loaded:
                self._loaded[name, version] = self._load(name, version)
            return self._loaded[name, version]

    @property
    def ready(self) -> bool:
        """Whether something is loaded and everything that is loaded can answer."""
        return bool(self._loaded) and all(worker.alive for worker in self._workers())

    @property
    def running(self) -> int:
        """How many generations are in a slot."""
        return sum(worker.running for worker in self._workers())

    @property
    def waiting(self) -> int:
        """How many generations are in a queue."""
        return sum(worker.waiting for worker in self._workers())

    def close(self) -> None:
        """End every engine thread."""
        with self._lock:
            for worker in self._workers():
                worker.close()
            self._loaded.clear()

    def _workers(self) -> list[Worker]:
        return [worker for model in list(self._loaded.values()) for worker in model.workers]

    def _load(self, name: str, version: int) -> LoadedModel:
        settings = self._settings
        try:
            stored = self.store.open(name, version)
            engine = _open_engine(stored, settings)
            vocabulary = stored.vocabulary
        except DamagedVersion as error:
            raise ModelUnavailable(str(error)) from error
        threads = min(settings.engine_threads or _cores(), settings.slots)
        return LoadedModel(
            manifest=stored.manifest,
            vocabulary=vocabulary,
            workers=tuple(
                _worker(engine, settings, threads, name=f"{name}-{version}-{number}")
                for number in range(threads)
            ),
            identity=f"{stored.manifest.digest}/{settings.engine}",
        )


def _worker(engine: Engine, settings: Settings, threads: int, name: str) -> Worker:
    """Return one of so many workers that share the slots and the queue."""
    slots = -(-settings.slots // threads)
    scheduler = Scheduler(
        engine.batch(slots),
        capacity=slots,
        # An empty seed text still takes one character to start from.
        tape_length=max(1, settings.max_seed_chars) + settings.max_length,
        vocabulary_size=engine.vocabulary_size,
    )
    return Worker(scheduler, queue=-(-settings.queue // threads), name=name)


def _cores() -> int:
    return len(os.sched_getaffinity(0))


def _open_engine(stored: StoredModel, settings: Settings) -> Engine:
    if settings.engine == "onnx":
        return OnnxEngine(stored.file(OnnxEngine.GRAPH))
    from service.engine_tensorflow import TensorFlowEngine  # noqa: PLC0415 - takes seconds

    folder = TensorFlowEngine.FOLDER
    stored.file(f"{folder}/saved_model.pb")
    return TensorFlowEngine(stored.folder / folder)
