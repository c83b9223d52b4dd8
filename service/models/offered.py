"""The store of the models that this service offers.

The module imports no telemetry: gunicorn's master process looks into the store before it has decided
where the workers write their metrics, and prometheus_client reads that place when it is imported.
"""

from model_store import BUNDLED, LayeredStore, ModelStore
from service.settings import Settings


def offered_models(settings: Settings) -> LayeredStore:
    """Return the store that the settings name, the bundled models behind it."""
    stores = [ModelStore(settings.store), ModelStore(BUNDLED)]
    return LayeredStore(stores, offered=settings.models or ())
