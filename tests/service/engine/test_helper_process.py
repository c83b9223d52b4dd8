"""A helper process is replaced where it is lost."""

import sys
from pathlib import Path

import pytest

from service.engine.inspection.helper_process import TRIES, answer_of

# Sends a signal to itself in the first run; a later run answers with the question in capitals.
HELPER = """
import os, signal, sys
from pathlib import Path
ran = Path(sys.argv[1])
runs = len(ran.read_text()) if ran.exists() else 0
ran.write_text("x" * (runs + 1))
question = sys.stdin.read()
if runs < int(sys.argv[3]):
    os.kill(os.getpid(), getattr(signal, sys.argv[2]))
print(question.upper(), end="")
"""


def _helper(ran: Path, signal: str, losses: int) -> list[str]:
    return [sys.executable, "-c", HELPER, str(ran), signal, str(losses)]


@pytest.mark.parametrize("signal", ["SIGKILL", "SIGSTOP"])
def test_a_lost_helper_is_replaced(tmp_path: Path, signal: str) -> None:
    """Another process answers where the first was killed or froze."""
    ran = tmp_path / "ran"
    assert answer_of(_helper(ran, signal, losses=1), b"why" * 100_000) == b"WHY" * 100_000
    assert len(ran.read_text()) == 2


def test_a_helper_that_is_always_lost_is_an_error(tmp_path: Path) -> None:
    """A question that kills its process is not asked for ever."""
    ran = tmp_path / "ran"
    with pytest.raises(ValueError, match="was lost"):
        answer_of(_helper(ran, "SIGKILL", losses=9), b"why")
    assert len(ran.read_text()) == TRIES


def test_a_helper_that_fails_is_an_error() -> None:
    """What a failing process says on stderr is in the error, and the process is not asked again."""
    with pytest.raises(ValueError, match="no such thing"):
        answer_of([sys.executable, "-c", "raise SystemExit('no such thing')"], b"")
