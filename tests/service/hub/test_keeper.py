"""The keeper replaces a hub that has died or hangs, and ends the hub at its own end."""

import os
import signal
from collections.abc import Iterator

import psutil
import pytest

from service.hub import keeper as module
from service.hub.keeper import WatchedKeeper
from service.hub.worker.client import HubClient
from service.hub.worker.shared_memory import SharedMemory
from service.settings import Settings
from service.telemetry import Telemetry
from tests.servers import wait_until


@pytest.fixture
def keeper() -> Iterator[WatchedKeeper]:
    made = WatchedKeeper(Settings())
    yield made
    made.close()


def _answers(memory: SharedMemory) -> bool:
    memory.set({"key": b"value"})
    return memory.get("key") == b"value"


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP], ids=["dead", "frozen"])
def test_a_lost_hub_is_replaced(
    keeper: WatchedKeeper, monkeypatch: pytest.MonkeyPatch, how: signal.Signals
) -> None:
    """Another hub serves the workers of a hub that was killed or that gives no sign of life."""
    monkeypatch.setattr(module, "SILENCE", 1.5)
    client = HubClient(keeper.rendezvous, Telemetry())
    memory = SharedMemory(client)
    wait_until(lambda: _answers(memory), "the first hub")
    first = keeper._process.pid
    os.kill(first, how)
    wait_until(lambda: keeper._process.pid != first, "the second hub")
    wait_until(lambda: _answers(memory), "the second hub's answer")
    assert not psutil.pid_exists(first)
    client.close()


def test_early_deaths_are_spaced_out(keeper: WatchedKeeper) -> None:
    """The pause before the next start doubles with each hub that dies young."""
    pauses = []
    for _ in range(3):
        pid = keeper._process.pid
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda pid=pid: keeper._process.pid != pid, "the next hub")
        pauses.append(keeper._pause)
    assert pauses == [0.5, 1.0, 2.0]


def test_the_hub_ends_with_its_keeper() -> None:
    """Closing the keeper ends the process in good order."""
    keeper = WatchedKeeper(Settings())
    client = HubClient(keeper.rendezvous, Telemetry())
    memory = SharedMemory(client)
    wait_until(lambda: _answers(memory), "the hub")
    client.close()
    keeper.close()
    assert keeper._process.returncode == 0
