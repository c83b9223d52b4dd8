"""When nobody listens any more, the slot is free within a second, and it is counted."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest

from tests.factories import publish_random_model
from tests.servers import Service, serving, wait_until


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with one slot and a model that takes long."""
    root: Path = tmp_path_factory.mktemp("slow")
    publish_random_model(root / "store", "heavy", layers=3, units=512)
    with serving(root / "log", store=root / "store", model="heavy", slots=1, queue=4) as service:
        yield service


@pytest.fixture(autouse=True)
def starts_and_ends_idle(slow: Service) -> Iterator[None]:
    """No slot is taken before or after a test."""
    wait_until(lambda: _busy(slow) == (0, 0), "an idle service")
    yield
    wait_until(lambda: _busy(slow) == (0, 0), "an idle service")


def _busy(service: Service) -> tuple[float, float]:
    return service.metric("charloom_running"), service.metric("charloom_waiting")


def _send(service: Service, **fields) -> socket.socket:
    body = json.dumps({"seed": "a", "length": 10_000} | fields).encode()
    connection = socket.create_connection(("127.0.0.1", service.port))
    connection.sendall(
        b"POST /generate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        b"Cache-Control: no-store\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    )
    return connection


def _assert_frees(
    service: Service, connection: socket.socket, stage: str, busy: tuple[float, float]
) -> None:
    before = service.metric("charloom_cancellations_total", state=stage)
    connection.close()
    hung_up = monotonic()
    wait_until(lambda: _busy(service) == busy, "the slot")
    assert monotonic() - hung_up < 1
    assert service.metric("charloom_cancellations_total", state=stage) == before + 1


def test_running_and_streaming(slow: Service) -> None:
    """A client that hangs up while it is streamed to frees its slot."""
    connection = _send(slow, stream=True)
    assert b"data:" in connection.recv(4096) + connection.recv(4096)
    _assert_frees(slow, connection, "running", (0, 0))


def test_running_and_not_streaming(slow: Service) -> None:
    """A client that hangs up while it waits for a whole text frees its slot."""
    connection = _send(slow)
    wait_until(lambda: _busy(slow) == (1, 0), "the generation to run")
    _assert_frees(slow, connection, "running", (0, 0))


@pytest.mark.parametrize("stream", [True, False])
def test_queued(slow: Service, stream: bool) -> None:
    """A client that hangs up in the queue frees its place, and those before it go on."""
    before = slow.metric("charloom_cancellations_total", state="queued")
    ahead = [_send(slow, random_seed=n) for n in range(4)]  # each has a turn before the last
    wait_until(lambda: sum(_busy(slow)) == len(ahead), "the others")
    queued = _send(slow, stream=stream, random_seed=len(ahead))
    queued.close()
    wait_until(
        lambda: slow.metric("charloom_cancellations_total", state="queued") == before + 1,
        "the leaving of the last",
    )
    for connection in ahead:
        connection.close()
    wait_until(lambda: _busy(slow) == (0, 0), "the end of all")


def test_a_shared_generation_goes_on_for_who_stays(slow: Service) -> None:
    """When one of two clients of the same text hangs up, the other gets all of it."""
    fields: dict[str, Any] = {"seed": "shared", "length": 1_500}
    leaving = slow.stream(**fields)
    next(iter(leaving))
    staying = slow.stream(**fields)
    _, first = next(iter(staying))
    leaving.close()
    assert len(first["text"] + staying.text()) == 1_500
    assert slow.generate(**fields).headers["x-cache"] == "hit"


def test_what_was_written_before_the_client_left_is_kept(slow: Service) -> None:
    """A stream cut short by its client is cached as far as it came, and resumed from there."""
    stream = slow.stream(seed="kept", length=5_000)
    for _, (event, _data) in zip(range(5), stream, strict=False):
        assert event == "message"
    stream.close()
    wait_until(lambda: _busy(slow) == (0, 0), "the slot")
    sleep(0.1)
    short = slow.generate(seed="kept", length=100)
    assert short.headers["x-cache"] == "hit"
    fresh = slow.generate({"Cache-Control": "no-store"}, seed="kept", length=100)
    assert short.json["text"] == fresh.json["text"]


def test_deadline(tmp_path: Path, store: Path) -> None:
    """A generation past its deadline is a 504, an error event once it has begun, and is freed."""
    with serving(tmp_path / "log", store=store, model="deep", deadline=0.2) as running:
        late = running.generate(seed="a", length=10_000)
        assert (late.status, late.json["code"]) == (504, "deadline_exceeded")
        stream = running.stream(seed="b", length=10_000)
        *pieces, (event, problem) = list(stream)
        stream.close()
        assert pieces
        assert (event, problem["status"]) == ("error", 504)
        wait_until(lambda: _busy(running) == (0, 0), "the slot")
