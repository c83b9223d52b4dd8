"""Fixtures of the registry's tests."""

from pathlib import Path

import pytest

from tests.fake_engines import FakeStarts
from tests.registries import Clock, SwitchedStore, publish


@pytest.fixture
def starts(monkeypatch: pytest.MonkeyPatch) -> FakeStarts:
    starts = FakeStarts()
    monkeypatch.setattr("service.models.loading.EngineClient", starts)
    return starts


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    for module in ("registry", "shelf"):
        monkeypatch.setattr(f"service.models.{module}.monotonic", clock)
    return clock


@pytest.fixture
def store(tmp_path: Path) -> SwitchedStore:
    """A store with version 1 of the models `live`, `b` and `c`."""
    for name in ("live", "b", "c"):
        publish(tmp_path, name)
    return SwitchedStore(tmp_path)
