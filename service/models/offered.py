"""The store of the models that this service offers."""

from model_store import BUNDLED, LayeredStore, ModelStore
from service.settings import Settings


def offered_models(settings: Settings) -> LayeredStore:
    """Return the store that the settings name, the bundled models behind it."""
    stores = [ModelStore(settings.store), ModelStore(BUNDLED)]
    return LayeredStore(stores, offered=settings.models or ())
