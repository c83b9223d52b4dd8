"""A hub in the test's own process, with scripted engines and real sockets."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from service.hub import shared_engine
from service.hub.messages import EngineSpec
from service.hub.process import Hub
from service.hub.rendezvous import Rendezvous, accept
from service.hub.worker.client import HubClient
from service.hub.worker.engine_client import EngineClient
from service.stream.generation import Sampling
from service.stream.job import Job, Start
from service.stream.sequence import Sequence
from service.telemetry import Telemetry
from tests.fakes import VOCABULARY_SIZE, ScriptedBatch, ScriptedEngine

SECONDS = 10.0
LONG = 99_000  # more characters than a test waits for


def spec(path: str = "scripted", slots: int = 2, queue: int = 8) -> EngineSpec:
    """The spec of a scripted engine."""
    return EngineSpec("onnx", path, path, "digest", slots, queue, 2, 100_000, VOCABULARY_SIZE)


def sequence(length: int, begin: int = 0, **options: object) -> Sequence:
    """A sequence of characters `begin` to `length`, in the zero state at the beginning."""
    start = Start(np.array([1, 2]))
    return Sequence(Job(start, Sampling(1.0, None, None, 0), begin=begin, end=length, **options))  # type: ignore[arg-type]


class HubInThreads:
    """A hub that takes its connections in a thread, and can die as a process does."""

    def __init__(self) -> None:
        self.rendezvous = Rendezvous()
        self.hub = Hub(cache_bytes=1_000)
        self._connections: list[socket.socket] = []
        self._clients: list[HubClient] = []
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def client(self, telemetry: Telemetry | None = None) -> HubClient:
        """A worker of its own."""
        self._clients.append(HubClient(self.rendezvous, telemetry or Telemetry()))
        return self._clients[-1]

    def engine(self, given: EngineSpec | None = None) -> EngineClient:
        """An engine, opened by a worker of its own."""
        return EngineClient(self.client(), given or spec())

    def die(self) -> None:
        """End every connection; another hub, which has nothing open, takes the next ones."""
        self.hub = Hub(cache_bytes=1_000)
        ended, self._connections = self._connections, []
        for connection in ended:
            connection.shutdown(socket.SHUT_RDWR)
            connection.close()

    def close(self) -> None:
        """End the workers, then the hub."""
        for client in self._clients:
            client.close()
        self.rendezvous.close()
        self._thread.join()
        for connection in self._connections:
            connection.close()

    def _run(self) -> None:
        with self.rendezvous.far.dup() as far:
            for connection in accept(far):
                self._connections.append(connection.dup())
                self.hub.serve(connection)


@contextmanager
def running_hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubInThreads]:
    """A hub whose engines are scripted."""
    monkeypatch.setattr(shared_engine, "_open_engine", lambda _: ScriptedEngine())
    hub = HubInThreads()
    try:
        yield hub
    finally:
        hub.close()


def drawn_by(engine: EngineClient, length: int, **options: object) -> Sequence:
    """Return a sequence that was drawn alone."""
    drawn = sequence(length, **options)  # type: ignore[arg-type]
    engine.submit(drawn, None)
    drawn.wait_for_end(SECONDS)
    return drawn


def gated(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Return an event; each step of a scripted engine waits for the event from now on."""
    gate, step = threading.Event(), ScriptedBatch.step

    def wait_and_step(batch: ScriptedBatch, ids: np.ndarray) -> np.ndarray:
        assert gate.wait(SECONDS)
        return step(batch, ids)

    monkeypatch.setattr(ScriptedBatch, "step", wait_and_step)
    return gate


def value_of(telemetry: Telemetry, name: str) -> float:
    """Return the value of a metric without labels."""
    lines = telemetry.text().decode().splitlines()
    return next(float(line.split()[-1]) for line in lines if line.startswith(f"{name} "))


def running_in(hub: HubInThreads) -> int:
    """Return the number of flights of the hub's only engine."""
    (future,) = hub.hub._engines.values()
    return len(future.result()._flights)
