"""Files are written durably on every file system that can do so."""

import os
from pathlib import Path

import pytest

from model_store.files import sync_folder


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
