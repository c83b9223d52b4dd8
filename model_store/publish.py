"""Publishing: a claimed number first, then the files, the manifest last."""

from datetime import UTC, datetime
from pathlib import Path

from model_store.contents import MANIFEST
from model_store.errors import UnpublishableFolder, quoted
from model_store.files import regular_files
from model_store.layout import claimed_versions
from model_store.manifest import Manifest, ModelDescription, digest_of, is_file_path
from model_store.names import check_name
from model_store.storage import Storage


def publish(storage: Storage, name: str, source: Path, description: ModelDescription) -> Manifest:
    """Copy a folder into a store as the next version, and return the manifest.

    Raises:
        InvalidName, UnpublishableFolder: before anything is written.
    """
    paths = publishable_files(source)
    version = claim(storage, check_name(name))
    files = storage.add(source, f"{name}/{version}", paths)
    manifest = Manifest(
        **{field: getattr(description, field) for field in ModelDescription.model_fields},
        name=name,
        version=version,
        created=datetime.now(UTC).replace(microsecond=0),
        digest=digest_of(files),
        files=files,
    )
    written = manifest.model_dump_json(indent=2).encode() + b"\n"
    storage.write(f"{name}/{version}/{MANIFEST}", written)
    return manifest


def publishable_files(folder: Path) -> list[str]:
    """Return the relative paths of a folder's files, or raise `UnpublishableFolder`."""
    paths = regular_files(folder)
    if not paths:
        raise UnpublishableFolder(f"{folder} is empty: write the model's files there first")
    for path in paths:
        if not is_file_path(path):
            raise UnpublishableFolder(f"{folder} holds {quoted(path)}: give it another name")
    return paths


def claim(storage: Storage, name: str) -> int:
    """Claim the next version number of a model, and return the number."""
    while True:
        version = max(claimed_versions(storage, name), default=0) + 1
        if storage.claim(f"{name}/{version}"):
            return version
