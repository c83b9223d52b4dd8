"""`python -m service` and its commands, as a person would run them."""

import subprocess
import sys

import pytest

from service.__main__ import COMMANDS
from tests.servers import ROOT


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "service", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help_lists_the_commands(option: str) -> None:
    """Help names each command and what it does."""
    done = run(option)
    assert (done.returncode, done.stderr) == (0, "")
    assert all(f"{name} " in done.stdout and what in done.stdout for name, what in COMMANDS.items())


def test_a_wrong_command_is_told_which_there_are() -> None:
    """A command that does not exist is an error that lists those that do."""
    done = run("genrate")
    assert (done.returncode, done.stdout) == (2, "")
    assert "there is no command 'genrate'" in done.stderr
    assert all(name in done.stderr for name in COMMANDS)


def test_a_wrong_setting_is_named() -> None:
    """A setting that cannot be read is one line that names its variable, and no traceback."""
    done = run(CHARLOOM_SLOTS="many", CHARLOOM_QUEUE="-1")
    assert (done.returncode, done.stdout) == (2, "")
    slots, queue = done.stderr.splitlines()
    assert slots.startswith("service: CHARLOOM_SLOTS: Input should be a valid integer")
    assert queue.startswith("service: CHARLOOM_QUEUE: Input should be greater than or equal to 0")


def test_a_default_model_that_is_not_there_is_named() -> None:
    """Without its default model the service does not start, and says which models there are."""
    done = run(CHARLOOM_MODEL="nobody")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("service: CHARLOOM_MODEL: no model is called 'nobody'")
    assert "shakespeare" in done.stderr
    assert done.stderr.count("\n") == 1
