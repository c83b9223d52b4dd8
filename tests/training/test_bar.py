"""The display of a phase: a labelled bar on a terminal, and lines in a log file."""

import io

import pytest
from rich.console import Console

from training import bar


def shown(*, terminal: bool) -> str:
    """Return what a phase of three steps shows."""
    file = io.StringIO()
    console = Console(file=file, width=80, force_terminal=terminal, highlight=False)
    assert list(bar.track("exporting", "abc", 3, console)) == ["a", "b", "c"]
    return file.getvalue()


def test_a_log_file_gets_the_label() -> None:
    """A phase of seconds has one line in a log file."""
    assert shown(terminal=False) == "exporting …\n"


def test_a_log_file_says_how_far_a_long_phase_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """A log file gets a line each time that LOG_SECONDS have gone by."""
    monkeypatch.setattr(bar, "LOG_SECONDS", 0.0)
    lines = ["exporting …", *(f"exporting: {done} of 3" for done in range(3))]
    assert shown(terminal=False).splitlines() == lines


def test_a_terminal_gets_a_labelled_bar() -> None:
    """A terminal shows the label beside a bar, and no line stays."""
    text = shown(terminal=True)
    assert "exporting" in text
    assert "100%" in text
    assert "exporting …" not in text
