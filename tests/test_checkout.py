"""A checkout has the same bytes on every system."""

import shutil
import subprocess

import pytest

from tests.servers import ROOT

pytestmark = pytest.mark.skipif(
    not (ROOT / ".git").exists() or shutil.which("git") is None, reason="needs Git and its checkout"
)


def _git(*arguments: str) -> list[str]:
    # In a container the checkout often belongs to another user, whose repositories Git refuses.
    line = ["git", "-c", f"safe.directory={ROOT}", "-C", str(ROOT), *arguments]
    return subprocess.run(line, check=True, capture_output=True, text=True).stdout.splitlines()


def test_no_line_end_depends_on_the_system() -> None:
    """Git for Windows keeps the line ends of every text file, and every byte of the bundled models."""
    for file in _git("ls-files", "--eol"):
        attributes, path = file.split("attr/")[1].split("\t")
        bundled = path.startswith("model_store/bundled/")
        assert attributes.split() == (["-text"] if bundled else ["text=auto", "eol=lf"]), path


def test_no_file_is_a_symbolic_link() -> None:
    """Git for Windows would make a text file of a symbolic link."""
    assert not [file for file in _git("ls-files", "--stage") if file.startswith("120000")]
