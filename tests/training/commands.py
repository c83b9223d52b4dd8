"""`python -m training` as users call it, in a process of its own."""

import subprocess
import sys
from pathlib import Path

from tests.servers import ROOT


def job(folder: Path, *arguments: str) -> list[str]:
    """Return a job's command line; store and runs lie in folder, with spaces in their names."""
    places = ["--store", str(folder / "the store"), "--runs", str(folder / "the runs")]
    return [sys.executable, "-m", "training", *arguments, *places]


def completed(line: list[str]) -> subprocess.CompletedProcess[str]:
    """Run a command line to its end."""
    return subprocess.run(line, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
