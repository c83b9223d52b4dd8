"""Clients that are slow, silent or many cost themselves their answer, and no other client."""

import http.client
import json
import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.ports import listens
from tests.servers import Service, serving, wait_until
from tests.service.raw import BODY, CHUNKED, GET, POST, connect, exchange, received, received_first

UNFINISHED = [
    b"",
    b"GET /hea",
    POST,
    POST + b"Content-Length: 50\r\n\r\n" + BODY[:9],
    POST + CHUNKED + b"5\r\n{",
    GET + b"Content-Length: 5\r\n\r\n",
]


@pytest.fixture
def own(tmp_path: Path, store: Path) -> Iterator[Service]:
    """A service for one test, with one worker."""
    with serving(tmp_path / "log", store=store, model="tiny", workers=1) as service:
        yield service


def _worker(service: Service) -> psutil.Process:
    _, (worker,) = service.family()
    return worker


def _assert_answers(service: Service) -> None:
    assert service.get("/healthz").status == 200
    assert service.generate(seed="abc", length=20, random_seed=None).status == 200


@pytest.mark.parametrize("sent", UNFINISHED, ids=repr)
def test_four_hundred_unfinished_requests_hold_nothing(service: Service, sent: bytes) -> None:
    """While 400 clients have sent a part of a request, health and generations are answered."""
    with ExitStack() as stack:
        for _ in range(400):
            stack.enter_context(connect(service)).sendall(sent)
        _assert_answers(service)


@pytest.mark.parametrize(("proxies", "most"), [(0, 50), (1, 100)])
def test_connections_are_bounded(tmp_path: Path, store: Path, proxies: int, most: int) -> None:
    """One address has half of the connections, a proxy all; the newest are answered."""
    environment = {"GUNICORN_CMD_ARGS": "--worker-connections 100 --threads 8"}
    settings: dict[str, Any] = {
        "environment": environment,
        "trusted_proxies": proxies,
        "workers": 1,
    }
    with (
        serving(tmp_path / "log", store=store, model="tiny", **settings) as service,
        ExitStack() as stack,
    ):
        for _ in range(300):
            stack.enter_context(connect(service)).sendall(b"GET /hea")
        _assert_answers(service)
        found = [each.status for each in _worker(service).net_connections("tcp")]
        assert most - 10 < found.count(psutil.CONN_ESTABLISHED) <= most


@pytest.mark.parametrize(("proxies", "flood"), [(0, 30), (1, 15)])
def test_running_requests_of_one_client_hold_no_other(
    tmp_path: Path, store: Path, proxies: int, flood: int
) -> None:
    """One client's running requests leave connections and threads to others; a proxy may have all."""
    settings: dict[str, Any] = {
        "environment": {"GUNICORN_CMD_ARGS": "--worker-connections 20 --threads 8"},
        "trusted_proxies": proxies,
        "max_length": 1_000_000,
        "workers": 1,
    }
    body = json.dumps({"seed": "abc", "length": 1_000_000, "stream": True}).encode()
    head = POST + b"X-Forwarded-For: 192.0.2.1\r\nContent-Length: %d\r\n\r\n" % len(body)
    kind = {"Content-Type": "application/json", "X-Forwarded-For": "192.0.2.2"}
    # The answers of a proxy's further clients are not held up by the address of the proxy.
    source = "127.0.0.1" if proxies else "127.0.0.2"
    with (
        serving(tmp_path / "log", store=store, model="deep", **settings) as service,
        ExitStack() as stack,
    ):
        for _ in range(flood):
            stack.enter_context(connect(service)).sendall(head + body)
        other = http.client.HTTPConnection(
            "127.0.0.1", service.port, timeout=30, source_address=(source, 0)
        )
        stack.callback(other.close)
        for method, path, sent in (("GET", "/healthz", None), ("POST", "/generate", BODY)):
            other.request(method, path, sent, kind)
            answer = other.getresponse()
            assert (answer.status, bool(answer.read())) == (200, True)
        if not proxies:
            with connect(service) as surplus:
                refused = received(surplus)
            assert (refused.status, refused.json["code"]) == (429, "too_many_requests")
            assert refused.headers["retry-after"] == "1"


def test_more_threads_than_connections_keep_connections_open(tmp_path: Path, store: Path) -> None:
    """A connection stays open after an answer, also where few descriptors leave few connections."""
    environment = {"GUNICORN_CMD_ARGS": "--worker-connections 8 --threads 16"}
    with serving(tmp_path / "log", store=store, model="tiny", environment=environment) as service:
        assert exchange(service, GET + b"\r\n").headers["connection"] == "keep-alive"


def test_an_unfinished_request_has_a_deadline(service: Service) -> None:
    """Half a head is answered with 408, and no connection stays, whatever the client does."""
    with connect(service) as silent, connect(service) as slow:
        slow.sendall(b"GET /hea")
        answer = received(slow)
        assert silent.recv(1) == b""
        wait_until(service.idle, "the end of both connections")
    assert (answer.status, answer.json["code"]) == (408, "request_timeout")


def test_a_lack_of_descriptors_ends_nothing(own: Service) -> None:
    """With more silent connections than descriptors, generations run on and requests are answered."""
    worker = _worker(own)
    running = own.stream(seed="abc", length=10_000)
    _, hard = worker.rlimit(psutil.RLIMIT_NOFILE)
    worker.rlimit(psutil.RLIMIT_NOFILE, (worker.num_fds() + 50, hard))
    with ExitStack() as stack:
        for _ in range(200):
            stack.enter_context(connect(own))
        assert len(running.text()) == 10_000
        _assert_answers(own)
    assert _worker(own) == worker


def test_the_service_opens_as_many_descriptors_as_it_may(own: Service) -> None:
    """The soft limit of descriptors is raised to the hard one."""
    soft, hard = _worker(own).rlimit(psutil.RLIMIT_NOFILE)
    assert soft == hard


def test_a_drain_refuses_new_connections(tmp_path: Path, store: Path) -> None:
    """After SIGTERM new connections are refused, while open ones and running generations are answered."""
    with serving(tmp_path / "log", store=store, model="deep") as service:
        stream = service.stream(seed="abc", length=10_000)
        with connect(service) as opened:
            opened.sendall(GET + b"\r\n")
            assert received_first(opened) == {"status": "alive"}
            service.process.send_signal(signal.SIGTERM)
            wait_until(lambda: not listens(service.port), "a closed listener")
            opened.sendall(GET.replace(b"healthz", b"metrics") + b"\r\n")
            assert b"charloom_running 1.0" in received(opened).body
        assert len(stream.text()) == 10_000


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGQUIT])
def test_a_quick_stop_amid_new_connections(
    tmp_path: Path, store: Path, number: signal.Signals
) -> None:
    """SIGINT ends the service though clients connect without a pause."""
    service = Service(tmp_path / "log", store=store, model="tiny")
    ended = threading.Event()

    def hammer() -> None:
        while not ended.is_set():
            with suppress(OSError, http.client.HTTPException):
                service.get("/models")

    clients = [threading.Thread(target=hammer) for _ in range(8)]
    for client in clients:
        client.start()
    try:
        _, workers = service.family()
        for process in (psutil.Process(service.process.pid), *workers):
            process.send_signal(number)
        assert service.process.wait(20) == 0
    finally:
        ended.set()
        for client in clients:
            client.join()
        service.process.kill()
        service.stop()
    assert not listens(service.port)
