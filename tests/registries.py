"""Registries of models whose engines start and end when a test says."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from model_store import LayeredStore, ModelStore, StoreUnavailable
from service.hub.worker.client import HubClient
from service.models.loading import LoadedModel
from service.models.registry import Models
from service.settings import Settings
from service.telemetry import Telemetry
from tests.factories import publish_random_model
from tests.fake_engines import FINGERPRINT, FakeStarts

DEADLINE = 60.0  # the default of the settings


class Clock:
    """Time as the registry reads it."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 0.001  # so that of two requests one is later
        return self.now


class SwitchedStore(ModelStore):
    """A store that can be out of reach."""

    reachable = True

    def versions(self, name: str) -> list[int]:
        if not self.reachable:
            raise StoreUnavailable("the store cannot be reached")
        return super().versions(name)


def publish(root: Path | str, name: str = "live", fingerprint: str = FINGERPRINT) -> None:
    """Publish the next version of a model of random weights."""
    publish_random_model(root, name, units=4, fingerprint=fingerprint)


def models_of(store: ModelStore, **settings: Any) -> Models:
    """Return the registry of a store, whose default model is `live`."""
    hub = cast("HubClient", None)  # the fake engines need no hub
    return Models(LayeredStore([store]), Settings(model="live", **settings), hub, Telemetry())


def version_of(models: Models, reference: str | None = None) -> int:
    """Return the number of the version that answers a reference."""
    return models.get(reference).manifest.version


def loaded(models: Models) -> set[str]:
    """Return the models that the metrics count as loaded."""
    lines = models._shelf._telemetry.text().decode().splitlines()
    return {
        line.split('"')[1]
        for line in lines
        if line.startswith("charloom_model_loaded{") and line.endswith(" 1.0")
    }


@contextmanager
def starting(
    starts: FakeStarts, models: Models, reference: str, threads: int = 1
) -> Iterator[list[Any]]:
    """Run the body while threads wait for the same start; then let the start go on."""
    starts.hold()
    meet = threading.Barrier(threads)

    def ask() -> LoadedModel:
        meet.wait()
        return models.get(reference)

    with ThreadPoolExecutor(threads) as pool:
        pending = [pool.submit(ask) for _ in range(threads)]
        try:
            assert starts.begun.wait(10)
            yield pending
        finally:
            starts.gate.set()
