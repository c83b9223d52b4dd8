"""The registry of models: each reference has a version, each version in use has an engine."""

import logging
import threading
from time import monotonic

from model_store import DamagedVersion, LayeredStore, StoreError, StoreUnavailable
from service.errors import ModelUnavailable
from service.hub.client import HubClient
from service.models.loading import LoadedModel, Loader, Version
from service.models.records import Reference, Refusal
from service.models.shelf import Shelf
from service.settings import Settings
from service.telemetry import Telemetry

log = logging.getLogger(__name__)


class Models:
    """Finds models by reference and keeps their versions loaded; safe to use from any thread.

    A request ends before its deadline, so no request holds a version that has been unused for longer
    than the deadline.
    """

    def __init__(
        self, store: LayeredStore, settings: Settings, hub: HubClient, telemetry: Telemetry
    ) -> None:
        self.store = store
        self._settings = settings
        loader = Loader(store, settings, hub, telemetry)
        self._shelf = Shelf(loader.load, settings.max_loaded, telemetry)
        self._lock = threading.Lock()
        self._references: dict[str, Reference] = {}
        # Used by `refresh` alone: what could not be loaded, and whether the store answered.
        self._refusals: dict[Version, Refusal] = {}
        self._reachable = True

    def get(self, reference: str | None) -> LoadedModel:
        """Return the model of a reference; None means the default model.

        A reference keeps its version until `refresh`.

        Raises:
            ModelNotFound: no model has that name, version or alias.
            StoreUnavailable: the store cannot be reached, and the version is not loaded.
            ModelUnavailable, DamagedVersion: the version cannot be loaded, nor an earlier one of the name.
            TooManyModels: all models that may be in memory are answering requests.
            Draining: the registry is closed.
        """
        reference = self._settings.model if reference is None else reference
        with self._lock:
            known = self._references.get(reference)
            if known is not None:
                known.asked = monotonic()
        return self._first(reference) if known is None else self._load(known.version)

    @property
    def default(self) -> str:
        """The reference of a request that names no model."""
        return self._settings.model

    def refresh(self) -> None:
        """Resolve every reference again, load the new versions, and close the unused ones.

        A version that cannot be loaded is reported once and tried again later, and its reference keeps
        the version before. While the store cannot be reached, every reference keeps its version.
        """
        try:
            self._resolve_again()
        except StoreUnavailable as error:
            if self._reachable:
                log.warning("what is loaded goes on: %s", error)
            self._reachable = False
        else:
            self._reachable = True
        self._close_unused()

    def exact(self, name: str, number: int) -> bool | None:
        """Return whether a version is exact on this machine; None for a version not in use."""
        with self._lock:
            meant = [each for each in self._meant() if (each.name, each.number) == (name, number)]
        models = [held.model for each in meant if (held := self._shelf.held(each)) is not None]
        return next((model.exact for model in models if model is not None), None)

    @property
    def ready(self) -> bool:
        """Whether the default model is loaded and its engine runs."""
        with self._lock:
            default = self._references.get(self._settings.model)
        held = None if default is None else self._shelf.held(default.version)
        return held is not None and held.alive

    def close(self) -> None:
        """End every engine, after its start where the engine is still starting."""
        self._shelf.close()

    def _first(self, reference: str) -> LoadedModel:
        """Load the version of a reference; of a plain name, the latest version that can be loaded."""
        failure: ModelUnavailable | DamagedVersion | None = None
        for name, number in self._candidates(reference):
            try:
                version = self._version(name, number)
                model = self._load(version)
            except (ModelUnavailable, DamagedVersion) as error:
                if failure is not None or "@" not in reference:
                    log.error("%s@%d is passed over: %s", name, number, error)  # noqa: TRY400
                failure = failure or error
                continue
            with self._lock:
                # Where another thread resolved the reference first, the version of that thread stays.
                self._references.setdefault(reference, Reference(version, monotonic()))
                self._forget_oldest(keep=reference)
            self._close_unused()
            return model
        assert failure is not None  # a reference has one candidate at least
        raise failure

    def _candidates(self, reference: str) -> list[tuple[str, int]]:
        name, number = self.store.resolve(reference)
        if "@" in reference:
            return [(name, number)]
        earlier = [each for each in self.store.versions(name) if each < number]
        return [(name, each) for each in (number, *reversed(earlier))]

    def _version(self, name: str, number: int) -> Version:
        return Version(name, number, self.store.manifest(name, number).digest)

    def _load(self, version: Version) -> LoadedModel:
        with self._lock:
            default = self._references.get(self._settings.model)
            stays = set() if default is None else {default.version}
        return self._shelf.get(version, stays=stays)

    def _resolve_again(self) -> None:
        with self._lock:
            meant = {name: reference.version for name, reference in self._references.items()}
        for reference in {self._settings.model, *meant}:
            try:
                version = self._version(*self.store.resolve(reference))
            except StoreUnavailable:
                raise
            except StoreError:
                continue  # a reference that the store has lost keeps its version
            if version != meant.get(reference) or self._lost(version):
                self._exchange(reference, version)

    def _lost(self, version: Version) -> bool:
        held = self._shelf.held(version)
        return held is not None and held.lost

    def _exchange(self, reference: str, version: Version) -> None:
        refusal = self._refusals.get(version)
        if refusal is not None and monotonic() < refusal.again:
            return
        try:
            self._shelf.load(version)
        except StoreUnavailable:
            raise
        except (StoreError, ModelUnavailable) as error:
            if refusal is None:
                log.error("%s stays as it is: %s", reference, error)  # noqa: TRY400 - one line says it
                refusal = self._refusals[version] = Refusal(0.0, self._settings.reload_seconds)
            refusal.repeat(monotonic())
            return
        self._refusals.pop(version, None)
        with self._lock:
            known = self._references.setdefault(reference, Reference(version, monotonic()))
            known.version = version
            self._forget_oldest(keep=reference)
        log.info("%s now means version %d", reference, version.number)

    def _forget_oldest(self, keep: str) -> None:
        """Forget the references asked for longest ago while too many versions are meant."""
        others = self._references.keys() - {self._settings.model, keep}
        oldest = sorted(others, key=lambda name: self._references[name].asked)
        while oldest and len(self._meant()) > self._settings.max_loaded:
            del self._references[oldest.pop(0)]

    def _close_unused(self) -> None:
        with self._lock:
            meant = self._meant()
        self._shelf.close_unused(meant, self._settings.deadline)

    def _meant(self) -> set[Version]:
        return {reference.version for reference in self._references.values()}
