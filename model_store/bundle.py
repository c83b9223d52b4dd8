"""Models that travel inside the repository, cut down to what serving needs."""

import shutil
import tempfile
from pathlib import Path

from model_store.contents import PAPERS, SERVING_FILES
from model_store.errors import UnpublishableFolder
from model_store.manifest import Manifest
from model_store.store import ModelStore
from model_store.stored import StoredModel

BUNDLED = Path(__file__).parent / "bundled"
"""The store of the models that come with the software."""


def bundle(model: StoredModel, target: ModelStore) -> Manifest:
    """Publish a version's serving files and papers into another store, metrics kept.

    Raises `UnpublishableFolder` when the version lacks a serving file.
    """
    with tempfile.TemporaryDirectory() as folder:
        for path in _chosen(model):
            shutil.copyfile(model.file(path), Path(folder, path))
        return target.publish(model.manifest.name, Path(folder), model.manifest)


def _chosen(model: StoredModel) -> list[str]:
    for path in SERVING_FILES:
        if path not in model.manifest.files:
            raise UnpublishableFolder(f"{model.folder} has no {path}: bundle a version that does")
    return [path for path in (*SERVING_FILES, *PAPERS) if path in model.manifest.files]
