"""What a store needs of the place where its files lie, and which place an address means."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol

from model_store.errors import StoreError
from model_store.local import LocalStorage
from model_store.manifest import FileEntry, Manifest


class Storage(Protocol):
    """A place of files; every path is relative to its root, POSIX."""

    def place(self, path: str) -> Path | str:
        """Return where a file lies, for messages."""

    def folders(self, parent: str, holding: str = "") -> list[str]:
        """Return the names of the folders in `parent`, or of those that hold a file so named."""

    def read(self, path: str) -> bytes:
        """Return a file's bytes, or raise `FileNotFoundError`."""

    def claim(self, folder: str) -> bool:
        """Take a folder for good; False when somebody else has it."""

    def add(self, source: Path, folder: str, paths: Iterable[str]) -> dict[str, FileEntry]:
        """Copy files durably and return what they are; after an error none of them stays."""

    def write(self, path: str, data: bytes) -> None:
        """Write a file so that every reader sees all of it or none of it."""

    def note(self, path: str) -> bytes | None:
        """Return what `change` wrote last, or None."""

    def change(self, path: str, change: Callable[[bytes | None], bytes | None]) -> None:
        """Replace what is noted by what `change` makes of it, None for no change.

        No change of another writer is lost: `change` may be called anew with what they wrote.
        """

    def verified(self, manifest: Manifest, paths: Iterable[str]) -> Path:
        """Return a local folder in which these files of a version are what the manifest says.

        Raises `DamagedVersion` naming the first one that is not.
        """

    def verify(self, manifest: Manifest) -> None:
        """Compare the very files of a version, not copies of them; raises as `verified` does."""

    def require_writable(self, size: int) -> None:
        """Raise unless files of `size` bytes can be written."""


def storage_at(root: str | Path) -> Storage:
    """Return the place that an address means: of fsspec with a protocol, else a folder.

    Raises `StoreError` for a protocol whose library is not installed or that nobody knows.
    """
    if "://" not in str(root):
        return LocalStorage(Path(root))
    try:
        # An extra, and slow to import: a folder needs nothing of it.
        from model_store.remote import RemoteStorage  # noqa: PLC0415

        return RemoteStorage(str(root))
    except (ImportError, ValueError) as error:
        raise StoreError(
            f"the store {root} cannot be opened ({error}): "
            "s3:// needs pip install 'charloom[s3]', other protocols their library for fsspec"
        ) from error
