"""The registry of models: each reference has a version, each version in use has an engine."""

import logging
import threading
from time import monotonic

from model_store import (
    DamagedVersion,
    Fault,
    LayeredStore,
    ModelNotFound,
    StoreError,
    StoreUnavailable,
    UnreadableModel,
)
from service.errors import ModelUnavailable
from service.hub.worker.client import HubClient
from service.models.loading import LoadedModel, Loader, Version
from service.models.records import Reference, Refusal
from service.models.shelf import Shelf
from service.settings import Settings
from service.telemetry import Telemetry

log = logging.getLogger(__name__)

# The errors of a single version; an earlier version may still be good.
UNUSABLE = (ModelUnavailable, DamagedVersion, UnreadableModel, ModelNotFound)


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
        self._lock = threading.Lock()  # guards the next two
        self._references: dict[str, Reference] = {}
        # By reference, why the version that the store means does not answer.
        self._problems: dict[str, str] = {}
        # Used by `refresh` alone: what could not be loaded, and whether the store answered.
        self._refusals: dict[Version, Refusal] = {}
        self._reachable = True

    def get(self, reference: str | None) -> LoadedModel:
        """Return the model of a reference; None means the default model.

        A reference keeps its version until `refresh`, or until the version cannot be loaded again. Where
        a number names no version, the latest earlier version that can be loaded answers.

        Raises:
            ModelNotFound: no model has that name, version or alias.
            StoreUnavailable: the store cannot be reached, and the version is not loaded.
            ModelUnavailable, DamagedVersion, UnreadableModel: neither the version nor an earlier version
                can be loaded.
            TooManyModels: all models that may be in memory are answering requests.
            Draining: the registry is closed.
        """
        reference = self._settings.model if reference is None else reference
        with self._lock:
            known = self._references.get(reference)
            if known is not None:
                known.asked = monotonic()
        if known is not None:
            try:
                return self._load(known.version)
            except UNUSABLE:
                with self._lock:  # the store is asked anew
                    self._forget(reference)
        return self._find(reference)

    @property
    def default(self) -> str:
        """The reference of a request that names no model."""
        return self._settings.model

    def refresh(self, at_once: bool = False) -> None:
        """Resolve every reference again, load the new versions, and close the unused ones.

        A version that cannot be loaded is reported once, and its reference keeps the version before. The
        version is tried again after a pause, `at_once`, or as soon as its files have changed. While the
        store cannot be reached, every reference keeps its version.
        """
        if at_once:
            self._refusals.clear()
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

    def current(self, name: str) -> int:
        """Return the version that a plain name means; raises as `LayeredStore.resolve` does.

        This is an earlier version than the store says while that version is passed over.
        """
        with self._lock:
            known = self._references.get(name) if name in self._problems else None
        return self.store.resolve(name)[1] if known is None else known.version.number

    def faults(self) -> list[Fault]:
        """Return why references do not mean what the store says, with the remedies."""
        with self._lock:
            return [Fault(each, self._problem(each)) for each in self._problems]

    @property
    def problem(self) -> str | None:
        """Why the default model is not the version that the store says, as a sentence; None: it is."""
        with self._lock:
            default = self._settings.model
            known, said = self._references.get(default), default in self._problems
        if not said:
            return None
        answers = "no version" if known is None else f"version {known.version.number}"
        return f"{answers} of {default} answers for now: GET /models names the fault"

    @property
    def ready(self) -> bool:
        """Whether the default model is loaded and its engine answers at once."""
        with self._lock:
            default = self._references.get(self._settings.model)
        held = None if default is None else self._shelf.held(default.version)
        return held is not None and held.ready

    def close(self) -> None:
        """End every engine, after its start where the engine is still starting."""
        self._shelf.close()

    def _find(self, reference: str) -> LoadedModel:
        """Load the version that the store means, or the latest earlier version that can be loaded."""
        failure: Exception | None = None
        for name, number in self._candidates(reference):
            try:
                version = self._version(name, number)
                model = self._load(version)
            except UNUSABLE as error:
                failure = failure or error
                continue
            with self._lock:
                # Where another thread resolved the reference first, the version of that thread stays.
                self._references.setdefault(reference, Reference(version, monotonic()))
                self._forget_oldest(keep=reference)
            self._say(reference, failure)
            self._close_unused()
            return model
        assert failure is not None  # a reference has one candidate at least
        raise failure

    def _candidates(self, reference: str) -> list[tuple[str, int]]:
        name, number = self.store.resolve(reference)
        if reference == f"{name}@{number}":
            return [(name, number)]
        earlier = [each for each in self.store.versions(name) if each < number]
        return [(name, each) for each in (number, *reversed(earlier))]

    def _say(self, reference: str, error: Exception | None) -> None:
        """Note why a reference does not mean what the store says; None: it does.

        The log says each problem once.
        """
        problem = None if error is None else str(error)
        with self._lock:
            before = self._problems.pop(reference, None)
            if problem is None or reference not in {self._settings.model, *self._references}:
                return
            self._problems[reference] = problem
            if problem != before:
                log.error("%s: %s", reference, self._problem(reference))

    def _problem(self, reference: str) -> str:
        known, problem = self._references.get(reference), self._problems[reference]
        if known is None:
            return problem
        return f"version {known.version.number} answers for now: {problem}"

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
                if version != meant.get(reference) or self._lost(version):
                    self._exchange(reference, version)
            except StoreUnavailable:
                raise
            except (StoreError, ModelUnavailable) as error:
                self._say(reference, error)
            else:
                self._say(reference, None)

    def _exchange(self, reference: str, version: Version) -> None:
        """Load the version that the store means by a reference, unless the version is to be tried later."""
        files = self.store.mark(version.name, version.number)  # before the files are read
        refusal = self._refusals.get(version)
        if refusal is not None and refusal.holds(files, monotonic()) and not self._alive(version):
            raise ModelUnavailable(refusal.problem)
        try:
            self._shelf.load(version)
        except UNUSABLE as error:
            first = self._settings.reload_seconds
            again = Refusal.after(refusal, str(error), files, first, monotonic())
            self._refusals[version] = again
            raise
        self._refusals.pop(version, None)
        with self._lock:
            known = self._references.setdefault(reference, Reference(version, monotonic()))
            known.version = version
            self._forget_oldest(keep=reference)
        log.info("%s now means version %d", reference, version.number)

    def _lost(self, version: Version) -> bool:
        held = self._shelf.held(version)
        return held is not None and held.lost

    def _alive(self, version: Version) -> bool:
        held = self._shelf.held(version)
        return held is not None and held.alive

    def _forget(self, reference: str) -> None:
        self._references.pop(reference, None)
        self._problems.pop(reference, None)

    def _forget_oldest(self, keep: str) -> None:
        """Forget the references asked for longest ago while too many versions are meant."""
        others = self._references.keys() - {self._settings.model, keep}
        oldest = sorted(others, key=lambda name: self._references[name].asked)
        while oldest and len(self._meant()) > self._settings.max_loaded:
            self._forget(oldest.pop(0))

    def _close_unused(self) -> None:
        with self._lock:
            meant = self._meant()
        self._shelf.close_unused(meant, self._settings.deadline)

    def _meant(self) -> set[Version]:
        return {reference.version for reference in self._references.values()}
