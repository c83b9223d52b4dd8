"""Fixtures of the tests of the text generator."""

import pytest

from service.generation import waiting
from tests.generations import Room


@pytest.fixture
def room() -> Room:
    """A room whose engine draws at once."""
    return Room()


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Room:
    """A room whose engine draws when the test says; the connection is checked all the time."""
    monkeypatch.setattr(waiting, "POLL", 0.001)
    return Room(draws_first=0)
