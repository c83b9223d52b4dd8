"""Frozen models, published whole or not at all, and checked before use."""

from collections.abc import Iterable
from functools import partial
from pathlib import Path

from pydantic import ValidationError

from model_store.aliases import PRODUCTION, Aliases
from model_store.contents import MANIFEST
from model_store.errors import DamagedVersion, lost_alias, no_alias, no_model, no_version
from model_store.layout import complete_versions, model_names
from model_store.manifest import Manifest, ModelDescription
from model_store.names import check_name, is_name, parse_version, split_reference
from model_store.publish import publish
from model_store.storage import storage_at
from model_store.stored import StoredModel, chosen


class ModelStore:
    """A place of versions; a version exists when its manifest does, and never changes."""

    def __init__(self, root: str | Path) -> None:
        """Take a folder, which need not exist yet, or an address such as `s3://bucket/prefix`.

        Raises `StoreError` when the library for the address is missing. Every method raises
        `StoreUnavailable` when a place elsewhere cannot be reached.
        """
        self.root = str(root)
        self._storage = storage_at(root)

    def names(self) -> list[str]:
        """Return the names of all models with a complete version, sorted."""
        return [name for name in model_names(self._storage) if self.versions(name)]

    def versions(self, name: str) -> list[int]:
        """Return the complete versions of a model, ascending; none for an unknown name."""
        return complete_versions(self._storage, name) if is_name(name) else []

    def manifest(self, name: str, version: int) -> Manifest:
        """Return a version's manifest.

        Raises `ModelNotFound` when there is none and `DamagedVersion` when it cannot be one.
        """
        if version not in self._existing(name):
            raise no_version(name, version, self.versions(name))
        path = f"{name}/{version}/{MANIFEST}"
        place = self._storage.place(path)
        try:
            manifest = Manifest.model_validate_json(self._storage.read(path))
        except ValidationError as error:
            raise DamagedVersion(place, f"is no manifest ({_first_problem(error)})") from error
        if (manifest.name, manifest.version) != (name, version):
            raise DamagedVersion(place, f"is that of {manifest.name}@{manifest.version}")
        return manifest

    def open(self, name: str, version: int, paths: Iterable[str] | None = None) -> StoredModel:
        """Return a version after comparing its files with their size and SHA-256.

        Of a store elsewhere they are verified copies. `paths` names files, or folders of them,
        that are wanted; others are neither fetched nor checked.
        Raises `ModelNotFound`, or `DamagedVersion` naming the first file that differs.
        """
        manifest = self.manifest(name, version)
        checked = chosen(manifest.files, paths)
        folder = self._storage.verified(manifest, checked)
        return StoredModel(manifest, folder, frozenset(checked))

    def verify(self, name: str, version: int) -> Manifest:
        """Compare all files of a version as they lie in the store, and return its manifest.

        Raises `ModelNotFound`, or `DamagedVersion` naming the first file that differs.
        """
        manifest = self.manifest(name, version)
        self._storage.verify(manifest)
        return manifest

    def resolve(self, reference: str) -> tuple[str, int]:
        """Return the name and version that `name`, `name@version` or `name@alias` means.

        A bare name means its alias `production`, or the newest version while that is not set.
        Raises `ModelNotFound` for anything the store does not hold.
        """
        name, selector = split_reference(reference)
        existing = self._existing(name)
        if selector is None:
            return name, self._of_alias(name, PRODUCTION) or existing[-1]
        version = parse_version(selector)
        if version is None:
            version = self._of_alias(name, selector)
        if version is None:
            known = [*map(str, existing), *self.aliases(name).all()]
            raise no_alias(name, selector, known)
        if version not in existing:
            raise no_version(name, version, existing)
        return name, version

    def publish(self, name: str, folder: Path, description: ModelDescription) -> Manifest:
        """Copy a folder into the store as the next version and return its manifest.

        No reader sees the version before all of it is there.
        Raises `InvalidName` or `UnpublishableFolder` before anything is written.
        """
        return publish(self._storage, name, folder, description)

    def aliases(self, name: str) -> Aliases:
        """Return the aliases of a model; raises `InvalidName`."""
        return Aliases(self._storage, check_name(name), partial(self.versions, name))

    def require_writable(self, size: int = 0) -> None:
        """Raise `OSError` or `StoreError` unless a version of `size` bytes could be published here."""
        self._storage.require_writable(size)

    def _existing(self, name: str) -> list[int]:
        versions = self.versions(name)
        if not versions:
            raise no_model(name, self.names())
        return versions

    def _of_alias(self, name: str, alias: str) -> int | None:
        version = self.aliases(name).get(alias)
        existing = self.versions(name)
        if version is not None and version not in existing:
            raise lost_alias(name, alias, version, existing)
        return version


def _first_problem(error: ValidationError) -> str:
    problem = error.errors()[0]
    return " ".join([*map(str, problem["loc"]), problem["msg"]])
