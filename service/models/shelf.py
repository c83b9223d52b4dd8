"""The shelf: the versions that this process holds, at most so many, each loaded once for all threads that ask."""

import threading
from collections.abc import Callable, Container
from time import monotonic, sleep

from service.errors import Draining, TooManyModels
from service.models.loading import LoadedModel, Version
from service.models.records import HeldVersion
from service.telemetry import Telemetry

SECONDS_FOR_ROOM = 5.0  # that a request waits for another version to leave memory
SECONDS_TO_BEGIN = 1.0  # from a request's getting its model to its first order


class Shelf:
    """Keeps versions loaded; safe to use from any thread.

    Engines start and end outside the lock, which guards the records alone.
    """

    def __init__(
        self, load: Callable[[Version], LoadedModel], places: int, telemetry: Telemetry
    ) -> None:
        """Take the function that loads a version, and the number of versions that may be in memory."""
        self._load = load
        self._places = places
        self._telemetry = telemetry
        self._lock = threading.Lock()
        self._versions: dict[Version, HeldVersion] = {}
        self._closed = False

    def held(self, version: Version) -> HeldVersion | None:
        """Return the record of a version; None for a version that is not in memory."""
        with self._lock:
            return self._versions.get(version)

    def get(self, version: Version, *, stays: Container[Version]) -> LoadedModel:
        """Return a version's model; the version asked for longest ago makes room, but none that stays.

        Raises:
            ModelUnavailable: the version cannot be loaded.
            TooManyModels: every version in memory is answering requests.
            Draining: the shelf is closed.
        """
        until = monotonic() + SECONDS_FOR_ROOM
        while not self._made_room(version, stays):
            if monotonic() > until:
                raise TooManyModels(
                    f"{self._places} models are in memory and answering requests; try again later"
                )
            sleep(0.05)
        return self.load(version)

    def load(self, version: Version) -> LoadedModel:
        """Return a version's model, also where the model is one too many; raises as `get` does."""
        with self._lock:
            if self._closed:
                raise Draining("the service is stopping; try again elsewhere or later")
            before = held = self._versions.get(version)
            if held is None or held.lost:
                held = self._versions[version] = HeldVersion()
            first = held.begin()
            held.unused_since, held.asked = None, monotonic()
        if first:
            held.load(lambda: self._load(version))
            if before is not None and before is not held:
                before.close()
        return held.wait()

    def close_unused(self, meant: Container[Version], seconds: float) -> None:
        """Close the versions that no reference has meant for so many seconds."""
        now = monotonic()
        with self._lock:
            for version, held in self._versions.items():
                held.mark(in_use=version in meant, now=now)
                if held.model is not None:
                    self._tell(version, loaded=version in meant)
            over = [
                version
                for version, held in self._versions.items()
                if held.unused_since is not None and now - held.unused_since > seconds
            ]
            closing = [self._versions.pop(version) for version in over]
        for held in closing:
            held.close()

    def close(self) -> None:
        """End every engine, after its start where the engine is still starting."""
        with self._lock:
            self._closed = True
            closing = list(self._versions.values())
            self._versions.clear()
        for held in closing:
            held.close()

    def _made_room(self, version: Version, stays: Container[Version]) -> bool:
        """Return whether a version is in memory or has a place, which another version may have left."""
        with self._lock:
            if version in self._versions:
                return True
            if len(self._versions) < self._places:
                self._versions[version] = HeldVersion()
                return True
            oldest = self._oldest_idle(stays)
            if oldest is None:
                return False
            leaving = self._versions.pop(oldest)
            self._versions[version] = HeldVersion()
            self._tell(oldest, loaded=False)
        leaving.close()
        return True

    def _oldest_idle(self, stays: Container[Version]) -> Version | None:
        now = monotonic()
        idle = [
            (held.asked, version)
            for version, held in self._versions.items()
            # A request that has just got its model has not begun to draw.
            if held.idle and now > held.asked + SECONDS_TO_BEGIN and version not in stays
        ]
        return min(idle)[1] if idle else None

    def _tell(self, version: Version, *, loaded: bool) -> None:
        self._telemetry.loaded.labels(version.name, version.number).set(loaded)
