"""The fixture of the tests of the hub."""

from collections.abc import Iterator

import pytest

from tests.hubs import HubInThreads, running_hub


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubInThreads]:
    with running_hub(monkeypatch) as hub:
        yield hub
