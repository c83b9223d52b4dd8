"""`GET /models`: what can be asked for."""

from typing import Any

from flask import Blueprint

from model_store import Manifest
from service.models import Models


def models_routes(models: Models) -> Blueprint:
    """Return the blueprint."""
    routes = Blueprint("models", __name__)
    store = models.store

    @routes.get("/models")
    def list_models() -> dict[str, Any]:
        return {"models": [_summary(name) for name in store.names()]}

    @routes.get("/models/<name>")
    def show_model(name: str) -> dict[str, Any]:
        store.resolve(name)  # raises for a name that does not exist
        manifests = [store.manifest(name, version) for version in store.versions(name)]
        return _summary(name) | {"versions": [_version(manifest) for manifest in manifests]}

    def _summary(name: str) -> dict[str, Any]:
        _, version = store.resolve(name)
        return {
            "name": name,
            "version": version,
            "versions": store.versions(name),
            "aliases": store.aliases(name).all(),
            **_version(store.manifest(name, version)),
        }

    return routes


def _version(manifest: Manifest) -> dict[str, Any]:
    fields = {
        "version",
        "created",
        "digest",
        "architecture",
        "vocabulary_size",
        "corpus",
        "metrics",
    }
    return manifest.model_dump(mode="json", include=fields)
