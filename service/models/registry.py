"""Models as the service holds them: loaded at first use, exchanged when the store changes."""

import logging
import os
import threading
from dataclasses import dataclass
from time import monotonic

from model_store import (
    DamagedVersion,
    LayeredStore,
    Manifest,
    StoredModel,
    StoreError,
    StoreUnavailable,
    Vocabulary,
    contents,
)
from service.engine.client import EngineClient
from service.engine.messages import EngineSpec
from service.errors import ModelUnavailable
from service.models.exactness import difference, is_exact, not_proven
from service.settings import Settings
from service.telemetry import Telemetry

log = logging.getLogger(__name__)

GRAPHS = {
    "onnx": contents.INT8_GRAPH,
    "tensorflow": f"{contents.SAVED_MODEL}/saved_model.pb",
}


@dataclass(frozen=True)
class LoadedModel:
    """A model that can answer."""

    manifest: Manifest
    vocabulary: Vocabulary
    engine: EngineClient
    identity: str
    """What determines its characters: the files' digest, the engine, and what the engine computes
    on this machine. Replicas whose processors differ share no streams in one Redis."""
    exact: bool | None
    """Whether the model computes here what it computed where it was trained; None: not known."""

    @property
    def line_end(self) -> str:
        """What an empty seed text stands for: a line end, or else the first symbol."""
        return "\n" if "\n" in self.vocabulary.symbols else self.vocabulary.symbols[0]


Version = tuple[str, int]


class Models:
    """Finds models by reference and keeps those that were asked for loaded.

    A request that holds a model ends before its deadline, so a model that no reference means any
    more is closed when it has been out of use for that long.
    """

    def __init__(self, store: LayeredStore, settings: Settings, telemetry: Telemetry) -> None:
        self.store = store
        self._settings = settings
        self._telemetry = telemetry
        self._loaded: dict[Version, LoadedModel] = {}
        self._meant: dict[str, LoadedModel] = {}  # by reference, so that hits read no disk
        self._asked: dict[str, float] = {}  # when each reference was last asked for
        self._retired: list[tuple[float, LoadedModel]] = []  # with the time it went out of use
        self._refused: set[Version] = set()  # reported once
        self._differing: set[Version] = set()  # reported once
        self._reachable = True
        self._lock = threading.Lock()

    def get(self, reference: str | None) -> LoadedModel:
        """Return the model that a reference means; none means the default model.

        What a reference meant when it was first asked for, it means until `refresh`.

        Raises:
            ModelNotFound: there is no such model.
            ModelUnavailable: it is there but cannot be loaded.
        """
        reference = self._settings.model if reference is None else reference
        meant = self._meant.get(reference)
        if meant is None or not meant.engine.alive:
            meant = self._open(reference, self.store.resolve(reference))
        self._asked[reference] = monotonic()
        return meant

    def refresh(self) -> None:
        """Look at the store again: load what references mean now, then let go of what they meant.

        A version that cannot be loaded is reported once, and the one before goes on serving; so
        does all that is loaded while the store cannot be reached.
        """
        try:
            self._follow()
        except StoreUnavailable as error:
            if self._reachable:
                log.warning("what is loaded goes on: %s", error)
            self._reachable = False
        else:
            self._reachable = True
        with self._lock:
            self._let_go(keep=tuple(self._meant))

    def _follow(self) -> None:
        for reference in {self._settings.model, *self._meant}:
            try:
                version = self.store.resolve(reference)
            except StoreUnavailable:
                raise
            except StoreError:
                continue  # the reference means nothing any more: what it meant goes on
            meant = self._meant.get(reference)
            news = meant is None or version != _version(meant)
            if news and version not in self._refused:
                self._exchange(reference, version)

    def _exchange(self, reference: str, version: Version) -> None:
        try:
            self._open(reference, version)
        except StoreUnavailable:
            raise
        except (StoreError, ModelUnavailable) as error:
            self._refused.add(version)
            log.error("%s stays as it is: %s", reference, error)  # noqa: TRY400 - one line says it
        else:
            log.info("%s now means version %d", reference, version[1])

    def exact(self, name: str, version: int) -> bool | None:
        """Return whether a version is exact on this machine; None while it is not loaded, too."""
        loaded = self._loaded.get((name, version))
        return loaded.exact if loaded else None

    @property
    def ready(self) -> bool:
        """Whether something is loaded and everything that is loaded can answer."""
        return bool(self._loaded) and all(engine.alive for engine in self._engines())

    def close(self) -> None:
        """End every engine."""
        with self._lock:
            for engine in self._engines():
                engine.close()
            self._loaded.clear()
            self._retired.clear()

    def _engines(self) -> list[EngineClient]:
        models = [*self._loaded.values(), *(model for _, model in self._retired)]
        return [model.engine for model in models]

    def _open(self, reference: str, version: Version) -> LoadedModel:
        with self._lock:
            loaded = self._loaded.get(version)
            if loaded is None or not loaded.engine.alive:
                fresh = self._revive(version) or self._load(*version)
                if loaded is not None:
                    loaded.engine.close()
                loaded = self._loaded[version] = fresh
            self._meant[reference] = loaded
            self._telemetry.loaded.labels(*version).set(1)
            self._let_go(keep=(self._settings.model, reference))
            return loaded

    def _load(self, name: str, version: int) -> LoadedModel:
        settings = self._settings
        try:
            stored = self.store.open(name, version, _wanted(settings))
            vocabulary = stored.vocabulary
            spec = _spec(stored, settings)
        except DamagedVersion as error:
            raise ModelUnavailable(str(error)) from error
        engine = EngineClient(spec, settings.queue, self._telemetry)
        exact = is_exact(stored.manifest, settings.engine, engine.fingerprint)
        try:
            self._report(stored.manifest, exact)
        except ModelUnavailable:
            engine.close()
            raise
        return LoadedModel(
            manifest=stored.manifest,
            vocabulary=vocabulary,
            engine=engine,
            identity=f"{stored.manifest.digest}/{settings.engine}/{engine.fingerprint}",
            exact=exact,
        )

    def _report(self, manifest: Manifest, exact: bool | None) -> None:
        """Tell metrics and log whether a model is exact; raise if it is not and must be."""
        version = manifest.name, manifest.version
        if exact is not None:
            self._telemetry.exact.labels(*version).set(exact)
        if self._settings.require_exact and not exact:
            unknown = not_proven(manifest, self._settings.engine)
            raise ModelUnavailable(unknown if exact is None else difference(manifest))
        if exact is False and version not in self._differing:
            self._differing.add(version)
            log.warning(difference(manifest))

    def _revive(self, version: Version) -> LoadedModel | None:
        """Take a model back that is out of use but not yet closed."""
        for one in self._retired:
            if _version(one[1]) == version and one[1].engine.alive:
                self._retired.remove(one)
                return one[1]
        return None

    def _let_go(self, keep: tuple[str, ...]) -> None:
        """Retire what is no longer meant or over the bound, and close what nobody can hold."""
        others = sorted(self._meant.keys() - keep, key=lambda name: self._asked.get(name, 0.0))
        while others and len(self._versions_meant()) > self._settings.max_loaded:
            del self._meant[others.pop(0)]
        for version in self._loaded.keys() - self._versions_meant():
            self._retired.append((monotonic(), self._loaded.pop(version)))
            self._telemetry.loaded.labels(*version).set(0)
        closing = [one for one in self._retired if monotonic() - one[0] > self._settings.deadline]
        for one in closing:
            self._retired.remove(one)
            one[1].engine.close()

    def _versions_meant(self) -> set[Version]:
        return {_version(model) for model in self._meant.values()}


def _version(model: LoadedModel) -> Version:
    return model.manifest.name, model.manifest.version


def _wanted(settings: Settings) -> tuple[str, str]:
    """Return what is needed of a version: the graph, with all in its folder, and the vocabulary."""
    return GRAPHS[settings.engine].split("/", maxsplit=1)[0], contents.VOCABULARY


def _spec(stored: StoredModel, settings: Settings) -> EngineSpec:
    path = stored.file(GRAPHS[settings.engine])
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
