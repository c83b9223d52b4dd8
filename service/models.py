"""Models as the service holds them: loaded at first use, each with its own engine thread."""

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
    worker: Worker
    identity: str
    """What determines its characters: the files' digest and the engine that computes on them."""

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
        loaded = list(self._loaded.values())
        return bool(loaded) and all(model.worker.alive for model in loaded)

    @property
    def running(self) -> int:
        """How many generations are in a slot."""
        return sum(model.worker.running for model in list(self._loaded.values()))

    @property
    def waiting(self) -> int:
        """How many generations are in a queue."""
        return sum(model.worker.waiting for model in list(self._loaded.values()))

    def close(self) -> None:
        """End every engine thread."""
        with self._lock:
            while self._loaded:
                self._loaded.popitem()[1].worker.close()

    def _load(self, name: str, version: int) -> LoadedModel:
        settings = self._settings
        try:
            stored = self.store.open(name, version)
            engine = _open_engine(stored, settings)
            vocabulary = stored.vocabulary
        except DamagedVersion as error:
            raise ModelUnavailable(str(error)) from error
        scheduler = Scheduler(
            engine.batch(settings.slots),
            capacity=settings.slots,
            # An empty seed text still takes one character to start from.
            tape_length=max(1, settings.max_seed_chars) + settings.max_length,
            vocabulary_size=engine.vocabulary_size,
        )
        return LoadedModel(
            manifest=stored.manifest,
            vocabulary=vocabulary,
            worker=Worker(scheduler, settings.queue, name=f"{name}-{version}"),
            identity=f"{stored.manifest.digest}/{settings.engine}",
        )


def _open_engine(stored: StoredModel, settings: Settings) -> Engine:
    if settings.engine == "onnx":
        return OnnxEngine(stored.file(OnnxEngine.GRAPH), settings.engine_threads)
    from service.engine_tensorflow import TensorFlowEngine  # noqa: PLC0415 - takes seconds

    folder = TensorFlowEngine.FOLDER
    stored.file(f"{folder}/saved_model.pb")
    return TensorFlowEngine(stored.folder / folder, settings.engine_threads)
