"""Storage in a folder."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from model_store.errors import StoreUnavailable, UnreadableModel
from model_store.files import (
    copy_hashed,
    locked,
    require_free,
    sync_file,
    sync_folder,
    verify_file,
    write_atomically,
)
from model_store.manifest import FileEntry, Manifest


class LocalStorage:
    """A folder, which need not exist yet; every write is durable."""

    def __init__(self, root: Path) -> None:
        """Take the folder."""
        self._root = root

    def place(self, path: str) -> Path:
        """Return where a file lies."""
        return self._root / path

    def folders(self, parent: str, holding: str = "") -> list[str]:
        """Return the names of the folders in `parent`; with `holding`, of folders with that file."""
        folder = self._root / parent
        with self._reading(parent):
            found = [path for path in folder.iterdir() if path.is_dir()] if folder.is_dir() else []
        return [path.name for path in found if not holding or _holds(path, holding)]

    def read(self, path: str) -> bytes:
        """Return a file's bytes, or raise `FileNotFoundError`."""
        with self._reading(path):
            return self.place(path).read_bytes()

    def claim(self, folder: str) -> bool:
        """Make a folder; return False if the folder exists."""
        target = self.place(folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            target.mkdir()
        except FileExistsError:
            return False
        sync_folder(target.parent)
        return True

    def add(self, source: Path, folder: str, paths: Iterable[str]) -> dict[str, FileEntry]:
        """Copy files durably and return their entries; after an error only the folder stays."""
        target = self.place(folder)
        try:
            files = {path: _copy(source / path, target / path) for path in paths}
            for parent in {(target / path).parent for path in files} | {target}:
                sync_folder(parent)
        except BaseException:
            _empty(target)
            raise
        return files

    def write(self, path: str, data: bytes) -> None:
        """Write a file; a reader sees the old content or the new content, never a part."""
        write_atomically(self.place(path), data)

    def note(self, path: str) -> bytes | None:
        """Return the content that `change` wrote last, or None."""
        try:
            return self.read(path)
        except FileNotFoundError:
            return None

    def change(self, path: str, change: Callable[[bytes | None], bytes | None]) -> None:
        """Replace a file's content by `change(content)`, under a lock against other writers."""
        file = self.place(path)
        with locked(file.with_name(f".{file.stem}.lock")):
            changed = change(self.note(path))
            if changed is not None:
                write_atomically(file, changed)

    def verified(self, manifest: Manifest, paths: Iterable[str]) -> Path:
        """Return the version's folder after comparing these files with the manifest."""
        folder = self.place(f"{manifest.name}/{manifest.version}")
        for path in paths:
            with self._reading(f"{manifest.name}/{manifest.version}/{path}"):
                verify_file(folder / path, manifest.files[path])
        return folder

    def verify(self, manifest: Manifest) -> None:
        """Compare all files of a version with its manifest."""
        self.verified(manifest, manifest.files)

    def mark(self, folder: str) -> str:
        """Return a text that changes whenever a file of the folder changes."""
        place = self.place(folder)
        return "\n".join(f"{path} {_changed(path)}" for path in [place, *sorted(place.rglob("*"))])

    def require_writable(self, size: int) -> None:
        """Raise `OSError` or `StoreError` unless files of `size` bytes can be written."""
        self._root.mkdir(parents=True, exist_ok=True)
        require_free(self._root, size)
        with tempfile.TemporaryFile(dir=self._root):
            pass

    @contextmanager
    def _reading(self, path: str) -> Iterator[None]:
        """Turn the errors of reading, but for a missing file, into errors of the store."""
        try:
            yield
        except FileNotFoundError:
            raise
        except OSError as error:
            if path and os.access(self._root, os.R_OK | os.X_OK, effective_ids=True):
                raise UnreadableModel(self.place(path), f"{error.strerror}") from error
            raise StoreUnavailable(
                f"the store {self._root} cannot be read ({error.strerror}): "
                "let the user of this process read it, or name another store in CHARLOOM_STORE"
            ) from error


def _holds(folder: Path, file: str) -> bool:
    """Return whether a folder has a file; a folder that cannot be looked into counts.

    The fault of such a version is raised when the version is asked for. Left out, the version would
    give way to an older one without a word.
    """
    try:
        return (folder / file).is_file()
    except OSError:
        return True


def _changed(path: Path) -> int:
    """Return the time at which content or permissions changed, in ns; 0 for a path out of sight."""
    try:
        return path.stat().st_ctime_ns
    except OSError:
        return 0


def _copy(source: Path, target: Path) -> FileEntry:
    target.parent.mkdir(parents=True, exist_ok=True)
    with source.open("rb") as reader, target.open("xb") as writer:
        entry = copy_hashed(reader, writer)
        sync_file(writer)
    return entry


def _empty(folder: Path) -> None:
    # The folder stays: without the folder, the next publisher would claim the same number.
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
