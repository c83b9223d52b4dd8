"""Files are written durably on every file system that can do so."""

import errno
import fcntl
import os
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from model_store.files import locked, sync_folder


def test_a_file_system_that_synchronises_no_folders() -> None:
    """A folder that the file system cannot synchronise, as in /proc, is no error."""
    sync_folder(Path("/proc"))


def test_a_folder_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of the disk is raised."""

    def fail(_descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="Input/output"):
        sync_folder(tmp_path)


@pytest.mark.parametrize("wait", [True, False])
def test_a_file_system_without_locks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wait: bool
) -> None:
    """The block runs where the file system has no locks, as some of clusters have none."""

    def fail(_file: object, _operation: int) -> None:
        raise OSError(errno.ENOSYS, "Function not implemented")

    monkeypatch.setattr(fcntl, "flock", fail)
    with locked(tmp_path / "lock", wait=wait):
        assert (tmp_path / "lock").exists()


def test_a_lock_that_is_held(tmp_path: Path) -> None:
    """A thread that does not wait is refused while the lock is held elsewhere, and not afterwards."""
    with locked(tmp_path / "lock"), pytest.raises(BlockingIOError), _locked_at_once(tmp_path):
        pass
    with _locked_at_once(tmp_path):
        pass


def _locked_at_once(folder: Path) -> AbstractContextManager[None]:
    return locked(folder / "lock", wait=False)
