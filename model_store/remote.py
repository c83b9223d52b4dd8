"""Storage on an object store, or on any other protocol of fsspec."""

import os
import re
import secrets
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import fsspec

from model_store import copies
from model_store.errors import StoreUnavailable, UnreadableModel
from model_store.files import copy_hashed, replacing, verify_file
from model_store.manifest import FileEntry, Manifest

# A store that does not answer is reported within half a minute: (5 + 10) seconds, twice.
_TIMEOUTS = {"connect_timeout": 5, "read_timeout": 10, "retries": {"total_max_attempts": 2}}
# Some servers other than Amazon's refuse the checksums that botocore adds since 1.36
# (https://github.com/boto/boto3/issues/4392), and the manifest has a SHA-256 of each file.
_ELSEWHERE = ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3")
_NO_CHECKSUMS = {
    "request_checksum_calculation": "when_required",
    "response_checksum_validation": "when_required",
}

# S3's answers to a write that must be the first: the object exists, or another write is running.
_TOO_LATE = {"PreconditionFailed", "ConditionalRequestConflict"}

_READABLE = "let the credentials of this process read it, or restore it from an archive"


class RemoteStorage:
    """An address of fsspec, which must list, read, write, and create only where nothing is.

    A note is a sequence of files, `<path>.1`, `<path>.2` and so on; the last file counts.
    """

    def __init__(self, address: str) -> None:
        """Take an address.

        Raises:
            ImportError, ValueError: fsspec cannot open the address.
        """
        options = {"config_kwargs": _s3_configuration()} if address.startswith("s3://") else {}
        # A cached listing would hide the versions of other publishers.
        self._files, self._root = fsspec.core.url_to_fs(
            address, use_listings_cache=False, **options
        )
        self._files.retries = 1  # s3fs would repeat all retries of botocore five times
        self._address = address.rstrip("/")

    def place(self, path: str) -> str:
        """Return a file's address."""
        return f"{self._address}/{path}"

    def folders(self, parent: str, holding: str = "") -> list[str]:
        """Return the names of the folders in `parent`; with `holding`, of folders with that file."""
        if not holding:
            return [name for name, kind in self._listed(parent) if kind == "directory"]
        with self._reading(parent):
            found = self._files.find(self._at(parent))
        paths = (path.removeprefix(self._at(parent) + "/").split("/") for path in found)
        return [names[0] for names in paths if names[1:] == [holding]]

    def read(self, path: str) -> bytes:
        """Return a file's bytes, or raise `FileNotFoundError`."""
        with self._reading(path):
            data: bytes = self._files.cat_file(self._at(path))
        return data

    def claim(self, folder: str) -> bool:
        """Claim a folder by a file that one claimer can create; return False to all others."""
        return self._write_first(f"{folder}/.claim", secrets.token_bytes(16))

    def add(self, source: Path, folder: str, paths: Iterable[str]) -> dict[str, FileEntry]:
        """Copy files and return their entries; after an error no copied file stays."""
        targets = {path: self._at(f"{folder}/{path}") for path in paths}
        try:
            return {path: self._copy(source / path, target) for path, target in targets.items()}
        except BaseException:
            for target in targets.values():
                with suppress(Exception):
                    self._files.rm_file(target)
            raise

    def write(self, path: str, data: bytes) -> None:
        """Write a file; a reader sees the old content or the new content, never a part."""
        with self._reaching():
            self._files.pipe_file(self._at(path), data)

    def note(self, path: str) -> bytes | None:
        """Return the content that `change` wrote last, or None."""
        return self._last(path)[1]

    def change(self, path: str, change: Callable[[bytes | None], bytes | None]) -> None:
        """Write the next file of a note, which one writer can create; any other starts over."""
        while True:
            number, data = self._last(path)
            changed = change(data)
            if changed is None or self._write_first(f"{path}.{number + 1}", changed):
                return

    def verified(self, manifest: Manifest, paths: Iterable[str]) -> Path:
        """Return a folder with verified copies of these files; missing copies are fetched.

        Raises:
            DamagedVersion: names the first file that differs from the manifest.
        """
        folder = copies.folder_for(manifest.digest)
        for path in paths:
            if not copies.is_sound(folder / path, manifest.files[path]):
                self._fetch(manifest, path, folder / path)
        return folder

    def verify(self, manifest: Manifest) -> None:
        """Fetch all files of a version and compare each with the manifest; keep no copy."""
        with tempfile.TemporaryDirectory() as folder:
            for path in manifest.files:
                self._fetch(manifest, path, Path(folder, "file"))

    def mark(self, folder: str) -> str:
        """Return a text that changes whenever a file of the folder changes."""
        with self._reading(folder):
            found = self._files.find(self._at(folder), detail=True)
        return "\n".join(f"{path} {found[path]}" for path in sorted(found))

    def require_writable(self, size: int) -> None:  # noqa: ARG002 - an object store has no known size
        """Raise `StoreUnavailable` unless a file can be written."""
        self.write(".writable", b"")

    def _at(self, path: str) -> str:
        return f"{self._root}/{path}".rstrip("/")

    def _listed(self, folder: str) -> list[tuple[str, str]]:
        try:
            with self._reading(folder):
                entries = self._files.ls(self._at(folder), detail=True)
        except FileNotFoundError:
            return []
        return [(entry["name"].rstrip("/").split("/")[-1], entry["type"]) for entry in entries]

    def _last(self, path: str) -> tuple[int, bytes | None]:
        """Return number and content of a note's last file; a file without a number has number 0."""
        folder, _, name = path.rpartition("/")
        numbered = re.compile(re.escape(name) + r"(?:\.([1-9][0-9]*))?")
        found = (numbered.fullmatch(entry) for entry, _ in self._listed(folder))
        files = {int(match[1] or 0): match[0] for match in found if match is not None}
        if not files:
            return 0, None
        last = max(files)
        return last, self.read(f"{folder}/{files[last]}")

    def _write_first(self, path: str, data: bytes) -> bool:
        """Create a file; return False if another writer created the file first."""
        try:
            with self._reaching():
                self._files.pipe_file(self._at(path), data, mode="create")
        except FileExistsError:
            # A write whose answer is lost is retried below this call, and then meets its own file.
            with suppress(FileNotFoundError):
                return self.read(path) == data
            return False
        return True

    def _copy(self, source: Path, target: str) -> FileEntry:
        with (
            source.open("rb") as reader,
            self._reaching(),
            self._files.open(target, "wb") as writer,
        ):
            return copy_hashed(reader, writer)

    def _fetch(self, manifest: Manifest, path: str, copy: Path) -> None:
        """Fetch a file of a version; only a verified copy replaces an existing copy."""
        original = f"{manifest.name}/{manifest.version}/{path}"
        copy.parent.mkdir(parents=True, exist_ok=True)
        with replacing(copy) as fetched:
            # A missing original leaves no copy, and verify_file then reports the original as missing.
            with suppress(FileNotFoundError), self._reading(original):
                self._files.get_file(self._at(original), str(fetched))
            verify_file(fetched, manifest.files[path], called=self.place(original))

    @contextmanager
    def _reading(self, path: str) -> Iterator[None]:
        """As `_reaching`; where the store is reached and refuses this path alone, its model is at fault."""
        try:
            with self._reaching():
                yield
        except StoreUnavailable as error:
            if path and isinstance(error.__cause__, PermissionError):
                with self._reaching():
                    self._files.ls(self._root)
                reason = _first_line(error.__cause__)
                raise UnreadableModel(self.place(path), reason, _READABLE) from error
            raise

    @contextmanager
    def _reaching(self) -> Iterator[None]:
        """Turn the errors of the protocol's library into file errors and `StoreUnavailable`."""
        try:
            yield
        except Exception as error:
            code = _code(error)
            if code in _TOO_LATE:
                raise FileExistsError(str(error)) from error
            if isinstance(error, FileNotFoundError | FileExistsError) and code != "NoSuchBucket":
                raise
            reason = f"{type(error).__name__}: {_first_line(error)}"
            raise StoreUnavailable(
                f"the store {self._address} cannot be reached ({reason}): check CHARLOOM_STORE "
                "or --store, the network, and the credentials; for s3:// AWS_ACCESS_KEY_ID, "
                "AWS_SECRET_ACCESS_KEY and AWS_ENDPOINT_URL"
            ) from error


def _s3_configuration() -> dict[str, Any]:
    """Return the configuration of botocore for the server that the environment names."""
    elsewhere = any(os.environ.get(name) for name in _ELSEWHERE)
    return _TIMEOUTS | (_NO_CHECKSUMS if elsewhere else {})


def _first_line(error: Exception) -> str:
    return f"{error}\n".splitlines()[0][:200]


def _code(error: Exception) -> str | None:
    """Return the error code of S3, or None for other errors."""
    response = getattr(error.__cause__, "response", {})
    code: str | None = response.get("Error", {}).get("Code")
    return code
