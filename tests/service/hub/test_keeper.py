"""The keeper replaces a hub that has died or hangs, and ends the hub at its own end."""

import os
import signal
import sys
from collections.abc import Iterator
from multiprocessing.connection import Connection
from time import monotonic

import psutil
import pytest

from service.hub import keeper as module
from service.hub.keeper import Keeper, WatchedKeeper
from service.hub.pulse import START_SECONDS, Standstills
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


def test_a_standstill_takes_no_time_from_a_hub_that_starts() -> None:
    """On a slow machine, on which checks lie far apart, a hub has the whole time for its start."""
    keeper = Keeper(Settings())
    keeper._standstills = Standstills(iter([0.0, 100.0]).__next__)
    keeper.check()
    assert keeper._last_beat > monotonic() + START_SECONDS / 2
    keeper.close()


def test_early_deaths_are_spaced_out(keeper: WatchedKeeper) -> None:
    """The pause before the next start doubles with each hub that dies young."""
    pauses = []
    for _ in range(3):
        pid = keeper._process.pid
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda pid=pid: keeper._process.pid != pid, "the next hub")
        pauses.append(keeper._pause)
    assert pauses == [0.5, 1.0, 2.0]


def test_a_hub_that_cannot_be_started_is_tried_again(
    keeper: WatchedKeeper, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Where the system refuses a process for a while, the keeper goes on, and leaks no descriptor."""
    descriptors, first = psutil.Process().num_fds(), keeper._process.pid
    with monkeypatch.context() as broken:
        broken.setattr(sys, "executable", "/nowhere/python")
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: caplog.text.count("no hub can be started") > 1, "two failed starts")
    wait_until(lambda: keeper._process.pid != first, "the next hub")
    client = HubClient(keeper.rendezvous, Telemetry())
    wait_until(lambda: _answers(SharedMemory(client)), "the next hub's answer")
    client.close()
    assert psutil.Process().num_fds() == descriptors


def test_a_hub_whose_thread_fails_is_replaced(keeper: WatchedKeeper) -> None:
    """An order that the hub cannot read ends the hub, since nobody would take the further orders."""
    client = HubClient(keeper.rendezvous, Telemetry())
    memory = SharedMemory(client)
    wait_until(lambda: _answers(memory), "the first hub")
    first = keeper._process.pid
    with keeper.rendezvous.connect() as sock, Connection(os.dup(sock.fileno())) as connection:
        connection.send_bytes(b"no order")
        wait_until(lambda: keeper._process.pid != first, "the second hub")
    wait_until(lambda: _answers(memory), "the second hub's answer")
    client.close()


def test_the_hub_ends_with_its_keeper() -> None:
    """Closing the keeper ends the process in good order."""
    keeper = WatchedKeeper(Settings())
    client = HubClient(keeper.rendezvous, Telemetry())
    memory = SharedMemory(client)
    wait_until(lambda: _answers(memory), "the hub")
    client.close()
    keeper.close()
    assert keeper._process.returncode == 0
