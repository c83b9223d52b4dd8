"""Storage: the operations that a store needs, and the storage that an address means."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol

from model_store.errors import StoreError
from model_store.local import LocalStorage
from model_store.manifest import FileEntry, Manifest


class Storage(Protocol):
    """Files below a root; every path is a POSIX path relative to the root."""

    def place(self, path: str) -> Path | str:
        """Return the path or address of a file, for messages."""

    def folders(self, parent: str, holding: str = "") -> list[str]:
        """Return the names of the folders in `parent`; with `holding`, of folders with that file."""

    def read(self, path: str) -> bytes:
        """Return a file's bytes, or raise `FileNotFoundError`."""

    def claim(self, folder: str) -> bool:
        """Claim a folder for good; return False if the folder is already claimed."""

    def add(self, source: Path, folder: str, paths: Iterable[str]) -> dict[str, FileEntry]:
        """Copy files durably and return their entries; after an error no copied file stays."""

    def write(self, path: str, data: bytes) -> None:
        """Write a file; a reader sees the old content or the new content, never a part."""

    def note(self, path: str) -> bytes | None:
        """Return the content that `change` wrote last, or None."""

    def change(self, path: str, change: Callable[[bytes | None], bytes | None]) -> None:
        """Replace a note's content by `change(content)`; None leaves the note as it is.

        No change of another writer is lost: `change` may be called again with newer content.
        """

    def verified(self, manifest: Manifest, paths: Iterable[str]) -> Path:
        """Return a local folder in which these files of a version equal the manifest's entries.

        Raises:
            DamagedVersion: names the first file that differs.
        """

    def verify(self, manifest: Manifest) -> None:
        """Compare the files of a version, not local copies; raises as `verified` does."""

    def mark(self, folder: str) -> str:
        """Return a text that changes whenever a file of the folder changes."""

    def require_writable(self, size: int) -> None:
        """Raise `OSError` or `StoreError` unless files of `size` bytes can be written."""


def storage_at(root: str | Path) -> Storage:
    """Return the storage of an address: with a protocol a remote storage, else a folder.

    Raises:
        StoreError: the protocol is unknown, or its library is not installed.
    """
    if "://" not in str(root):
        return LocalStorage(Path(root))
    try:
        # fsspec is an extra and slow to import, and a folder does not need fsspec.
        from model_store.remote import RemoteStorage  # noqa: PLC0415

        return RemoteStorage(str(root))
    except (ImportError, ValueError) as error:
        raise StoreError(
            f"the store {root} cannot be opened ({error}): "
            "s3:// needs pip install 'charloom[s3]', other protocols their library for fsspec"
        ) from error
