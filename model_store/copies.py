"""Local copies of the files of a remote store; each copy is verified before every use."""

import os
import shutil
from contextlib import suppress
from pathlib import Path

from model_store.errors import DamagedVersion, StoreUnavailable
from model_store.files import verify_file
from model_store.manifest import FileEntry

KEPT = 16  # versions; the copies used longest ago are deleted, and can be fetched again


def folder_for(digest: str) -> Path:
    """Make the folder for copies of the version with this digest, mark the folder as used now.

    Raises:
        StoreUnavailable: the folder cannot be made.
    """
    try:
        folder = _root() / digest
        folder.mkdir(parents=True, exist_ok=True)
        os.utime(folder)
    except (OSError, RuntimeError) as error:  # RuntimeError: the user has no home
        raise StoreUnavailable(
            f"no copies of the store's files can be kept here ({error}): "
            "set XDG_CACHE_HOME to a folder that can be written"
        ) from error
    with suppress(FileNotFoundError):  # another process deletes copies too
        _forget_all_but_the_last(folder.parent)
    return folder


def is_sound(copy: Path, entry: FileEntry) -> bool:
    """Return whether a copy exists and has the published size and SHA-256."""
    try:
        verify_file(copy, entry)
    except DamagedVersion:
        return False
    return True


def _root() -> Path:
    caches = os.environ.get("XDG_CACHE_HOME")
    return (Path(caches) if caches else Path("~/.cache").expanduser()) / "charloom"


def _forget_all_but_the_last(root: Path) -> None:
    folders = sorted(root.iterdir(), key=lambda folder: folder.stat().st_mtime)
    for folder in folders[:-KEPT]:
        shutil.rmtree(folder, ignore_errors=True)
