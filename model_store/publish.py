"""Publishing: all files first, the manifest last, under a number nobody else has."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

from model_store.errors import UnpublishableFolder, quoted
from model_store.files import copy_hashed, regular_files, sync_folder, write_atomically
from model_store.layout import claimed_versions
from model_store.manifest import (
    MANIFEST,
    FileEntry,
    Manifest,
    ModelDescription,
    digest_of,
    is_file_path,
)
from model_store.names import check_name


def publish(root: Path, name: str, source: Path, description: ModelDescription) -> Manifest:
    """Copy a folder into the store at `root` as the next version and return its manifest.

    Raises `InvalidName` or `UnpublishableFolder` before anything is written.
    """
    paths = publishable_files(source)
    version, target = claim(root / check_name(name))
    files = copy_all(source, target, paths)
    manifest = Manifest(
        **{field: getattr(description, field) for field in ModelDescription.model_fields},
        name=name,
        version=version,
        created=datetime.now(UTC).replace(microsecond=0),
        digest=digest_of(files),
        files=files,
    )
    write_atomically(target / MANIFEST, manifest.model_dump_json(indent=2).encode() + b"\n")
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


def claim(folder: Path) -> tuple[int, Path]:
    """Make the folder of a model's next version; its number is this publisher's for good."""
    folder.mkdir(parents=True, exist_ok=True)
    while True:
        version = max(claimed_versions(folder), default=0) + 1
        target = folder / str(version)
        try:
            target.mkdir()
        except FileExistsError:
            continue
        sync_folder(folder)
        return version, target


def copy_all(source: Path, target: Path, paths: list[str]) -> dict[str, FileEntry]:
    """Copy files durably and return what they are; after an error only the empty claim stays."""
    try:
        files = {path: _copy(source / path, target / path) for path in paths}
        for folder in {(target / path).parent for path in paths} | {target}:
            sync_folder(folder)
    except BaseException:
        _empty(target)
        raise
    return files


def _copy(source: Path, target: Path) -> FileEntry:
    target.parent.mkdir(parents=True, exist_ok=True)
    sha256, size = copy_hashed(source, target)
    return FileEntry(sha256=sha256, size=size)


def _empty(folder: Path) -> None:
    # The folder itself stays: its number is spent, and removing it would give the number away.
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
