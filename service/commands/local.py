"""An engine of a command's own, without a server."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

from service.cache.memory import MemoryBytes
from service.cache.streams import StreamCache
from service.generation.generator import TextGenerator
from service.generation.scores import TextScorer
from service.generation.stopping import Stopping
from service.hub.keeper import WatchedKeeper
from service.hub.worker.client import HubClient
from service.models.offered import offered_models
from service.models.registry import Models
from service.settings import MILLION, Settings
from service.telemetry import Telemetry


@dataclass(frozen=True)
class Local:
    """The models of the store, and what computes with them."""

    settings: Settings
    models: Models
    generator: TextGenerator
    scorer: TextScorer


@contextmanager
def local_engine(settings: Settings) -> Iterator[Local]:
    """Run a hub as long as the context lasts; texts and states are cached in this process."""
    telemetry = Telemetry()
    with (
        closing(WatchedKeeper(settings)) as keeper,
        closing(HubClient(keeper.rendezvous, telemetry)) as hub,
        closing(Models(offered_models(settings), settings, hub, telemetry)) as models,
    ):
        yield Local(
            settings,
            models,
            TextGenerator(
                StreamCache(MemoryBytes(settings.cache_megabytes * MILLION)), telemetry, Stopping()
            ),
            TextScorer(telemetry, settings.slots, Stopping()),
        )
