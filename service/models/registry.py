"""The registry of models: each reference has a version, each version in use has an engine."""

import logging
import threading
from time import monotonic

from model_store import LayeredStore, StoreError, StoreUnavailable
from service.errors import Draining, ModelUnavailable
from service.hub.client import HubClient
from service.models.loading import LoadedModel, Loader, Version
from service.models.records import HeldVersion, Reference
from service.settings import Settings
from service.telemetry import Telemetry

log = logging.getLogger(__name__)


class Models:
    """Finds models by reference and keeps their versions loaded; safe to use from any thread.

    Engines start and end outside the lock, which guards the records alone. A request ends before
    its deadline, so no request holds a version that has been unused for longer than the deadline.
    """

    def __init__(
        self, store: LayeredStore, settings: Settings, hub: HubClient, telemetry: Telemetry
    ) -> None:
        self.store = store
        self._settings = settings
        self._telemetry = telemetry
        self._loader = Loader(store, settings, hub, telemetry)
        self._lock = threading.Lock()
        self._references: dict[str, Reference] = {}
        self._versions: dict[Version, HeldVersion] = {}
        self._closed = False
        # Used by `refresh` alone: the versions already reported, and whether the store answered.
        self._refused: set[Version] = set()
        self._reachable = True

    def get(self, reference: str | None) -> LoadedModel:
        """Return the model of a reference; None means the default model.

        A reference keeps its version until `refresh`.

        Raises:
            ModelNotFound: no model has that name, version or alias.
            StoreUnavailable: the store cannot be reached, and the version is not loaded.
            ModelUnavailable: the version cannot be loaded.
            Draining: the registry is closed.
        """
        reference = self._settings.model if reference is None else reference
        with self._lock:
            known = self._references.get(reference)
            if known is not None:
                known.asked = monotonic()
        version = self.store.resolve(reference) if known is None else known.version
        model = self._load(version)
        if known is None:
            with self._lock:
                # Where another thread resolved the reference first, the version of that thread stays.
                self._references.setdefault(reference, Reference(version, monotonic()))
                self._forget_oldest(keep=reference)
            self._close_unused()
        return model

    def refresh(self) -> None:
        """Resolve every reference again, load the new versions, and close the unused ones.

        A version that cannot be loaded is reported once, and its reference keeps the version
        before. While the store cannot be reached, every reference keeps its version.
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

    def exact(self, name: str, version: int) -> bool | None:
        """Return whether a version is exact on this machine; None for a version not in use."""
        with self._lock:
            held = self._versions.get((name, version))
            model = held.model if held is not None and (name, version) in self._meant() else None
        return None if model is None else model.exact

    @property
    def ready(self) -> bool:
        """Whether a reference means a version, and the engine of every meant version runs."""
        with self._lock:
            meant = [self._versions.get(version) for version in self._meant()]
        return bool(meant) and all(held is not None and held.alive for held in meant)

    def close(self) -> None:
        """End every engine, after its start where the engine is still starting."""
        with self._lock:
            self._closed = True
            closing = list(self._versions.values())
            self._versions.clear()
        for held in closing:
            held.close()

    def _load(self, version: Version) -> LoadedModel:
        """Return a version's model; the first thread loads, the others wait for its result."""
        with self._lock:
            if self._closed:
                raise Draining("the service is stopping; try again elsewhere or later")
            before = held = self._versions.get(version)
            if held is None or held.lost:
                held = self._versions[version] = HeldVersion()
            held.unused_since = None
        if held is not before:
            held.load(lambda: self._loader.load(version))
            if before is not None:
                before.close()  # waits for the process of the dead engine
        return held.wait()

    def _resolve_again(self) -> None:
        with self._lock:
            meant = {name: reference.version for name, reference in self._references.items()}
        for reference in {self._settings.model, *meant}:
            try:
                version = self.store.resolve(reference)
            except StoreUnavailable:
                raise
            except StoreError:
                continue  # a reference that the store has lost keeps its version
            if version != meant.get(reference) and version not in self._refused:
                self._exchange(reference, version)

    def _exchange(self, reference: str, version: Version) -> None:
        try:
            self._load(version)
        except StoreUnavailable:
            raise
        except (StoreError, ModelUnavailable) as error:
            self._refused.add(version)
            log.error("%s stays as it is: %s", reference, error)  # noqa: TRY400 - one line says it
            return
        with self._lock:
            known = self._references.setdefault(reference, Reference(version, monotonic()))
            known.version = version
            self._forget_oldest(keep=reference)
        log.info("%s now means version %d", reference, version[1])

    def _forget_oldest(self, keep: str) -> None:
        """Forget the references asked for longest ago while too many versions are meant."""
        others = self._references.keys() - {self._settings.model, keep}
        oldest = sorted(others, key=lambda name: self._references[name].asked)
        while oldest and len(self._meant()) > self._settings.max_loaded:
            del self._references[oldest.pop(0)]

    def _close_unused(self) -> None:
        """Mark the versions in use, and close those that were unused for longer than the deadline."""
        now, deadline = monotonic(), self._settings.deadline
        with self._lock:
            meant = self._meant()
            for version, held in self._versions.items():
                held.mark(in_use=version in meant, now=now)
                if held.model is not None:
                    self._telemetry.loaded.labels(*version).set(version in meant)
            over = [
                version
                for version, held in self._versions.items()
                if held.unused_since is not None and now - held.unused_since > deadline
            ]
            closing = [self._versions.pop(version) for version in over]
        for held in closing:
            held.close()

    def _meant(self) -> set[Version]:
        return {reference.version for reference in self._references.values()}
