"""The model store: versions that are published whole or not at all, and verified before use."""

from collections.abc import Iterable
from functools import partial
from pathlib import Path

from pydantic import ValidationError

from model_store.aliases import PRODUCTION, Aliases
from model_store.contents import MANIFEST
from model_store.errors import (
    DamagedVersion,
    UnreadableModel,
    lost_alias,
    no_alias,
    no_model,
    no_version,
)
from model_store.layout import complete_versions, model_names
from model_store.manifest import Manifest, ModelDescription
from model_store.names import check_name, is_name, parse_version, split_reference
from model_store.publish import publish
from model_store.storage import storage_at
from model_store.stored import StoredModel, chosen


class ModelStore:
    """The versions below a root; a version exists once its manifest exists, and never changes."""

    def __init__(self, root: str | Path) -> None:
        """Take a folder, which need not exist yet, or an address such as `s3://bucket/prefix`.

        Every method raises `StoreUnavailable` while the store at an address cannot be reached.

        Raises:
            StoreError: the library for the address is missing.
        """
        self.root = str(root)
        self._storage = storage_at(root)

    def names(self) -> list[str]:
        """Return the names of all models with a complete version or an unreadable folder, sorted."""
        return [name for name in model_names(self._storage) if self._is_model(name)]

    def versions(self, name: str) -> list[int]:
        """Return the complete versions of a model, ascending; none for an unknown name.

        Raises:
            UnreadableModel: the model's folder cannot be read.
        """
        return complete_versions(self._storage, name) if is_name(name) else []

    def manifest(self, name: str, version: int) -> Manifest:
        """Return a version's manifest.

        Raises:
            ModelNotFound: the version does not exist.
            DamagedVersion: the file is no manifest of this version.
            UnreadableModel: the file cannot be read.
        """
        if version not in self._existing(name):
            raise no_version(name, version, self.versions(name))
        path = f"{name}/{version}/{MANIFEST}"
        place = self._storage.place(path)
        try:
            manifest = Manifest.model_validate_json(self._storage.read(path))
        except ValidationError as error:
            raise _not_read(place, error) from error
        if (manifest.name, manifest.version) != (name, version):
            raise DamagedVersion(place, f"is that of {manifest.name}@{manifest.version}")
        return manifest

    def open(self, name: str, version: int, paths: Iterable[str] | None = None) -> StoredModel:
        """Return a version after comparing its files with their size and SHA-256.

        The files of a remote store are local copies. `paths` names the wanted files and folders;
        other files are neither fetched nor checked.

        Raises:
            ModelNotFound: the version does not exist.
            DamagedVersion: names the first file that differs.
        """
        manifest = self.manifest(name, version)
        checked = chosen(manifest.files, paths)
        folder = self._storage.verified(manifest, checked)
        return StoredModel(manifest, folder, frozenset(checked))

    def verify(self, name: str, version: int) -> Manifest:
        """Compare all files of a version in the store itself, and return the manifest.

        Raises:
            ModelNotFound: the version does not exist.
            DamagedVersion: names the first file that differs.
        """
        manifest = self.manifest(name, version)
        self._storage.verify(manifest)
        return manifest

    def mark(self, name: str, version: int) -> str:
        """Return a text that changes whenever a file of a version changes."""
        return self._storage.mark(f"{name}/{version}")

    def resolve(self, reference: str) -> tuple[str, int]:
        """Return the name and version that `name`, `name@version` or `name@alias` means.

        A bare name means the alias `production`, or the newest version if there is no such alias.

        Raises:
            ModelNotFound: the store lacks the name, the version or the alias.
            AliasError, UnreadableModel: the aliases or the model's folder cannot be read.
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
        """Copy a folder into the store as the next version, and return the manifest.

        No reader sees the version before the version is complete.

        Raises:
            InvalidName, UnpublishableFolder: before anything is written.
        """
        return publish(self._storage, name, folder, description)

    def aliases(self, name: str) -> Aliases:
        """Return the aliases of a model; raises `InvalidName`."""
        return Aliases(self._storage, check_name(name), partial(self.versions, name))

    def require_writable(self, size: int = 0) -> None:
        """Raise `OSError` or `StoreError` unless a version of `size` bytes could be published here."""
        self._storage.require_writable(size)

    def _is_model(self, name: str) -> bool:
        try:
            return bool(self.versions(name))
        except UnreadableModel:
            return True  # a list of all models then names the fault

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


def _not_read(place: Path | str, error: ValidationError) -> DamagedVersion:
    """Return the error for a file that is no manifest, or the manifest of another release."""
    problems = error.errors()
    if any(problem["loc"] == ("format",) for problem in problems):
        return DamagedVersion(
            place,
            "has the format of another release of charloom",
            remedy="update charloom here, or publish the model again with this release",
        )
    first = " ".join([*map(str, problems[0]["loc"]), problems[0]["msg"]])
    return DamagedVersion(place, f"is no manifest ({first})")
