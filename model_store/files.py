"""Durable file operations: list, copy and hash, write atomically, lock."""

import fcntl
import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from model_store.errors import UnpublishableFolder

_CHUNK = 1 << 20


def regular_files(folder: Path) -> list[str]:
    """Return the relative POSIX paths of all files below `folder`, sorted.

    Raises `UnpublishableFolder` for a link or a special file, which would not survive a copy.
    """
    if not folder.is_dir():
        raise UnpublishableFolder(f"{folder} is not a folder: name the one with the model's files")
    found = []
    for path in folder.rglob("*"):
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            raise UnpublishableFolder(f"{path} is not a regular file: put a copy in its place")
        if path.is_file():
            found.append(path.relative_to(folder).as_posix())
    return sorted(found)


def copy_hashed(source: Path, target: Path) -> tuple[str, int]:
    """Copy a file durably; return the SHA-256 and size of the very bytes that were written."""
    digest = hashlib.sha256()
    size = 0
    with source.open("rb") as reader, target.open("xb") as writer:
        while chunk := reader.read(_CHUNK):
            digest.update(chunk)
            size += writer.write(chunk)
        writer.flush()
        os.fsync(writer.fileno())
    return digest.hexdigest(), size


def sha256_of(path: Path) -> str:
    """Return a file's SHA-256 in hexadecimal."""
    with path.open("rb") as reader:
        return hashlib.file_digest(reader, "sha256").hexdigest()


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file so that every reader, and a restart, sees all of it or none of it."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with temporary.open("xb") as writer:
            writer.write(data)
            writer.flush()
            os.fsync(writer.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock file `path` alone among all threads and processes."""
    with path.open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
