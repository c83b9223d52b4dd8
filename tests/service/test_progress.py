"""A progress bar is for terminals alone."""

import os
import sys
from select import select

import pytest

from service.commands.progress import with_progress


def test_a_terminal_shows_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each item moves the bar, whose last line has the number of all."""
    ours, theirs = os.openpty()
    with os.fdopen(theirs, "w") as terminal, os.fdopen(ours, "rb", buffering=0) as screen:
        monkeypatch.setattr(sys, "stderr", terminal)
        assert list(with_progress("abcd", 4)) == ["a", "b", "c", "d"]
        seen = b""
        while b"4/4" not in seen and select([screen], [], [], 5)[0]:
            seen += screen.read(10_000)  # what has come so far
    shown = seen.decode().split("\r")
    assert [line.split()[-1] for line in shown if line.strip()] == ["1/4", "2/4", "3/4", "4/4"]
    assert shown[2].count("#") == 2 * shown[1].count("#") == 20


def test_a_file_has_no_bar(capsys: pytest.CaptureFixture[str]) -> None:
    """Where stderr is no terminal, the items come alone."""
    assert list(with_progress("ab", 2)) == ["a", "b"]
    assert capsys.readouterr().err == ""
