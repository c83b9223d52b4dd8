"""The store of the models that this service offers.

This module imports no telemetry: gunicorn's master process reads the store before the folder of the
metrics is set, and prometheus_client reads the folder's name when the library is imported.
"""

from model_store import BUNDLED, LayeredStore, ModelStore
from service.settings import Settings


def offered_models(settings: Settings) -> LayeredStore:
    """Return the store that the settings name, in front of the bundled models."""
    stores = [ModelStore(settings.store), ModelStore(BUNDLED)]
    return LayeredStore(stores, offered=settings.models or ())
