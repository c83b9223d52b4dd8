"""`python -m training` as its users call it, in a process of its own."""

import subprocess
import sys
from pathlib import Path

from tests.servers import ROOT


def job(folder: Path, *arguments: str) -> list[str]:
    """The command line of a job whose store and runs, with a space in their names, are in folder."""
    places = ["--store", str(folder / "the store"), "--runs", str(folder / "the runs")]
    return [sys.executable, "-m", "training", *arguments, *places]


def completed(line: list[str]) -> subprocess.CompletedProcess[str]:
    """What came of a command line that is run to its end."""
    return subprocess.run(line, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
