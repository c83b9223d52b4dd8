"""Durable file operations: list, copy and hash, verify, write atomically, lock."""

import errno
import fcntl
import hashlib
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from model_store.errors import DamagedVersion, StoreError, UnpublishableFolder
from model_store.manifest import FileEntry

_CHUNK = 1 << 20
MEGABYTE = 1_000_000
# The errors of file systems that synchronise files alone, as shared folders of VirtualBox, Samba and
# some of virtiofs do; PostgreSQL passes over the same two.
NO_SYNC = {errno.EINVAL, errno.EBADF}
# The errors of file systems without locks, as Lustre without its option `flock` (mount.lustre(8)) and NFS
# without its lock service.
NO_LOCKS = {errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOLCK}


def regular_files(folder: Path) -> list[str]:
    """Return the relative POSIX paths of all files below `folder`, sorted.

    Raises:
        UnpublishableFolder: a link or a special file lies there, which a copy would not keep.
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


def copy_hashed(reader: BinaryIO, writer: BinaryIO) -> FileEntry:
    """Copy bytes, and return the SHA-256 and size of the written bytes."""
    digest = hashlib.sha256()
    size = 0
    while chunk := reader.read(_CHUNK):
        digest.update(chunk)
        size += writer.write(chunk)
    return FileEntry(sha256=digest.hexdigest(), size=size)


def verify_file(path: Path, expected: FileEntry, called: Path | str | None = None) -> None:
    """Raise `DamagedVersion` unless the file has the published size and SHA-256.

    `called` is the path that the message names: for a local copy, the address of the original.
    """
    called = path if called is None else called
    if not path.is_file():
        raise DamagedVersion(called, "is missing")
    size = path.stat().st_size
    if size != expected.size:
        raise DamagedVersion(called, f"has {size:,} bytes instead of {expected.size:,}")
    with path.open("rb") as reader:
        if hashlib.file_digest(reader, "sha256").hexdigest() != expected.sha256:
            raise DamagedVersion(called, "is damaged (its SHA-256 is not the manifest's)")


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file durably; a reader sees the old content or the new content, never a part."""
    with replacing(path) as temporary, temporary.open("xb") as writer:
        writer.write(data)
        sync_file(writer)
    sync_folder(path.parent)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield the path of a temporary file, which replaces `path` unless an error is raised."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def require_free(folder: Path, size: int) -> None:
    """Raise `StoreError` unless the folder's disk has `size` free bytes."""
    free = shutil.disk_usage(folder).free
    if free < size:
        raise StoreError(
            f"{folder} has room for {free // MEGABYTE:,} MB and will need {size // MEGABYTE:,} MB: "
            "make room there, or choose another place"
        )


def sync_file(writer: BinaryIO) -> None:
    """Make the written bytes durable."""
    writer.flush()
    os.fsync(writer.fileno())


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable, where the file system can do so."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in NO_SYNC:
            raise
    finally:
        os.close(descriptor)


@contextmanager
def locked(path: Path, *, wait: bool = True) -> Iterator[None]:
    """Hold the lock of file `path`, which excludes all other threads and processes.

    A file system without locks excludes none of these.

    Raises:
        BlockingIOError: the lock is held elsewhere, and this thread does not `wait`.
    """
    with path.open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in NO_LOCKS:
                raise
        yield
