"""Bundled models: versions inside the repository, cut down to serving files and papers."""

import shutil
import tempfile
from pathlib import Path

from model_store.contents import PAPERS, SERVING_FILES, TEXTS
from model_store.errors import UnpublishableFolder
from model_store.manifest import Manifest
from model_store.store import ModelStore
from model_store.stored import StoredModel

BUNDLED = Path(__file__).parent / "bundled"
"""The store of the bundled models."""


def bundle(model: StoredModel, target: ModelStore) -> Manifest:
    """Publish the serving files and papers of a version, with all metrics, into another store.

    Raises:
        UnpublishableFolder: the version lacks a serving file.
    """
    with tempfile.TemporaryDirectory() as folder:
        for path in _chosen(model):
            shutil.copyfile(model.file(path), Path(folder, path))
        return target.publish(model.manifest.name, Path(folder), model.manifest)


def _chosen(model: StoredModel) -> list[str]:
    for path in SERVING_FILES:
        if path not in model.manifest.files:
            raise UnpublishableFolder(f"{model.folder} has no {path}: bundle a version that does")
    return [path for path in (*SERVING_FILES, TEXTS, *PAPERS) if path in model.manifest.files]
