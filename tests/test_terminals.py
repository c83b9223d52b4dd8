"""Commands on a terminal that cannot show every character."""

import os
import subprocess
import sys

import pytest

from tests.servers import ROOT

COMMANDS = {
    "service": ["service", "--help"],
    "generate": ["service", "generate", "MÄRZ", "--model=faust", "--length=50"],
    "model_store": ["model_store", "show", "shakespeare"],
    "training": ["training", "--help"],
    "lecture": ["training.lecture", "--help"],
}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_character_that_cannot_be_shown_ends_no_command(command: str) -> None:
    """On an ASCII terminal a command shows `?` for other characters and ends well."""
    done = subprocess.run(
        [sys.executable, "-m", *COMMANDS[command]],
        cwd=ROOT,
        env=os.environ | {"PYTHONIOENCODING": "ascii:strict"},
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.isascii()
