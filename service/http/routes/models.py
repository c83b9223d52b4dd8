"""`GET /models`, `/models/<name>`, curves and epochs: the models of the store and their versions."""

from typing import Any

from flask import Blueprint, Response, abort, send_file

from model_store import (
    AliasError,
    DamagedVersion,
    Faults,
    Manifest,
    ModelNotFound,
    StoredModel,
    StoreUnavailable,
    UnreadableModel,
    contents,
)
from service.api.schemas import Epochs, ModelList, ModelPage
from service.http.media_types import JSON, in_utf8
from service.http.operation import Operation, ResponseBody, documented
from service.models.registry import Models

# The texts that the training job published for people, by the field of the response.
TEXTS = {"card": contents.CARD, "samples": contents.SAMPLES}

LIST = Operation(
    "List the models, and the faults of those that cannot be read",
    "models",
    {JSON: ResponseBody(ModelList)},
    errors=[StoreUnavailable],
)
SHOW = Operation(
    "Show a model with its versions, card and samples",
    "models",
    {JSON: ResponseBody(ModelPage)},
    errors=[ModelNotFound, AliasError, DamagedVersion, UnreadableModel, StoreUnavailable],
)
SHOW_CURVES = Operation(
    "Show the training curves of a version",
    "models",
    {"image/png": ResponseBody()},
    errors=SHOW.errors,
)
SHOW_EPOCHS = Operation(
    "Show the losses and samples of each epoch of a version",
    "models",
    {JSON: ResponseBody(Epochs)},
    errors=SHOW.errors,
)


def models_routes(models: Models) -> Blueprint:
    """Return the blueprint of `/models`."""
    routes = Blueprint("models", __name__)
    store = models.store

    @routes.get("/models")
    @documented(LIST)
    def list_models() -> dict[str, Any]:
        summaries, faults = [], Faults()
        for name in store.names():
            with faults.of(name):
                summary = _summary(name)
                faults.add_lost(name, summary["aliases"], summary["versions"])
                summaries.append(summary)
        return {
            "default": models.default,
            "models": summaries,
            "faults": [vars(fault) for fault in (*faults, *models.faults())],
        }

    @routes.get("/models/<name>")
    @documented(SHOW)
    def show_model(name: str) -> dict[str, Any]:
        summary = _summary(name)
        current = store.open(name, summary["version"], TEXTS.values())
        texts = {key: _text(current, file) for key, file in TEXTS.items()}
        versions, faults = [], Faults()
        faults.extend(fault for fault in models.faults() if fault.model.split("@")[0] == name)
        faults.add_lost(name, summary["aliases"], summary["versions"])
        for version in summary["versions"]:
            with faults.of(f"{name}@{version}"):
                versions.append(_version(store.manifest(name, version)))
        return summary | texts | {"versions": versions, "faults": [vars(one) for one in faults]}

    @routes.get("/models/<name>/<int:version>/curves.png")
    @documented(SHOW_CURVES)
    def show_curves(name: str, version: int) -> Response:
        return _paper(name, version, contents.CURVES, "image/png")

    @routes.get("/models/<name>/<int:version>/epochs.json")
    @documented(SHOW_EPOCHS)
    def show_epochs(name: str, version: int) -> Response:
        return _paper(name, version, contents.EPOCHS, in_utf8(JSON))

    def _paper(name: str, version: int, file: str, media_type: str) -> Response:
        stored = store.open(name, version, [file])
        if file not in stored.manifest.files:
            abort(404, f"{name}@{version} was published without {file}")
        return send_file(stored.file(file).resolve(), mimetype=media_type)

    def _summary(name: str) -> dict[str, Any]:
        version = models.current(name)
        return {
            "name": name,
            "version": version,
            "versions": store.versions(name),
            "aliases": store.aliases(name).all(),
            "exact": models.exact(name, version),
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
    # Early versions have no seed text; every model can begin without one.
    return {
        **manifest.model_dump(mode="json", include=fields),
        "seed_text": manifest.seed_text or "",
    }


def _text(stored: StoredModel, file: str) -> str | None:
    if file not in stored.manifest.files:
        return None
    return stored.file(file).read_text(encoding="utf-8", errors="replace")
