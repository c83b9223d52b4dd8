"""Models as the service holds them: loaded at first use, each with an engine process of its own."""

import os
import threading
from dataclasses import dataclass

from model_store import DamagedVersion, LayeredStore, Manifest, StoredModel, Vocabulary
from service.engine_client import EngineClient
from service.errors import ModelUnavailable
from service.messages import EngineSpec
from service.settings import Settings


@dataclass(frozen=True)
class LoadedModel:
    """A model that can answer."""

    manifest: Manifest
    vocabulary: Vocabulary
    engine: EngineClient
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
        if meant is None or not meant.engine.alive:
            meant = self._meant[reference] = self._open(*self.store.resolve(reference))
        return meant

    @property
    def ready(self) -> bool:
        """Whether something is loaded and everything that is loaded can answer."""
        return bool(self._loaded) and all(engine.alive for engine in self._engines())

    @property
    def running(self) -> int:
        """How many generations are in a slot."""
        return sum(engine.running for engine in self._engines())

    @property
    def waiting(self) -> int:
        """How many generations are in a queue."""
        return sum(engine.waiting for engine in self._engines())

    def close(self) -> None:
        """End every engine."""
        with self._lock:
            for engine in self._engines():
                engine.close()
            self._loaded.clear()

    def _engines(self) -> list[EngineClient]:
        return [model.engine for model in list(self._loaded.values())]

    def _open(self, name: str, version: int) -> LoadedModel:
        with self._lock:
            loaded = self._loaded.get((name, version))
            if loaded is None or not loaded.engine.alive:
                if loaded is not None:
                    loaded.engine.close()
                loaded = self._loaded[name, version] = self._load(name, version)
            return loaded

    def _load(self, name: str, version: int) -> LoadedModel:
        settings = self._settings
        try:
            stored = self.store.open(name, version)
            vocabulary = stored.vocabulary
            spec = _spec(stored, settings)
        except DamagedVersion as error:
            raise ModelUnavailable(str(error)) from error
        return LoadedModel(
            manifest=stored.manifest,
            vocabulary=vocabulary,
            engine=EngineClient(spec, settings.queue),
            identity=f"{stored.manifest.digest}/{settings.engine}",
        )


def _spec(stored: StoredModel, settings: Settings) -> EngineSpec:
    file = {"onnx": "model.int8.onnx", "tensorflow": "saved_model/saved_model.pb"}
    path = stored.file(file[settings.engine])
    return EngineSpec(
        kind=settings.engine,
        path=str(path if settings.engine == "onnx" else path.parent),
        slots=settings.slots,
        threads=min(settings.engine_threads or _cores(), settings.slots),
        # An empty seed text still takes one character to start from.
        tape_length=max(1, settings.max_seed_chars) + settings.max_length,
    )


def _cores() -> int:
    return len(os.sched_getaffinity(0))
