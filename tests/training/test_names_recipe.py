"""The cookbook's names: from a list of names to new names in a file."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers import ROOT
from tests.training.names import town_names
from tests.training.small import small_options

pytestmark = pytest.mark.slow

COOKBOOK = (ROOT / "docs" / "cookbook.md").read_text(encoding="utf-8")


def _run(words: list[str], folder: Path) -> None:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, *words], cwd=folder, env=environment, check=True, timeout=120)


def test_new_names_from_a_list(tmp_path: Path) -> None:
    """The commands of the cookbook write 100 distinct names that match the pattern and are new."""
    train, write = re.findall(r"```bash names\n(.*)\n```", COOKBOOK)
    names = town_names(400)
    (tmp_path / "towns.txt").write_text("\n".join(names), encoding="utf-8")
    # As the Makefile does, with a smaller network.
    make = dict(re.findall(r"([A-Z]+)=(\"[^\"]+\"|\S+)", train))
    options = [
        "--corpus",
        make["CORPUS"],
        "--name",
        make["NAME"],
        *shlex.split(make["ARGS"])[0].split(),
    ]
    _run(["-m", "training", *options, *small_options("--promote", "always")], tmp_path)
    python, *words = shlex.split(write)
    assert python == "python"
    _run(words, tmp_path)
    written = (tmp_path / "names.txt").read_text(encoding="utf-8").splitlines()
    assert len(set(written)) == len(written) == 100
    assert all(re.fullmatch("[A-Z][a-z]{3,11}", name) for name in written)
    assert not set(written) & set(names)
