"""Clients that are slow, silent or malformed cost themselves their answer, and no other client."""

import http.client
import json
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from service.http.server.incoming import MAX_BODY
from tests.ports import listens
from tests.servers import Answer, Service, serving, wait_until

BODY = json.dumps({"seed": "abc", "length": 20}).encode()
POST = b"POST /generate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
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


def _connect(service: Service) -> socket.socket:
    return socket.create_connection(("127.0.0.1", service.port), timeout=60)


def _received(connection: socket.socket) -> Answer:
    response = http.client.HTTPResponse(connection)
    response.begin()
    headers = {name.lower(): value for name, value in response.getheaders()}
    return Answer(response.status, headers, response.read())


def _exchange(service: Service, request: bytes, *, half_close: bool = False) -> Answer:
    with _connect(service) as connection:
        connection.sendall(request)
        if half_close:
            connection.shutdown(socket.SHUT_WR)
        return _received(connection)


def _chunked(body: bytes, size: int) -> bytes:
    pieces = [body[place : place + size] for place in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in [*pieces, b""])


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
            stack.enter_context(_connect(service)).sendall(sent)
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
            stack.enter_context(_connect(service)).sendall(b"GET /hea")
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
            stack.enter_context(_connect(service)).sendall(head + body)
        other = http.client.HTTPConnection(
            "127.0.0.1", service.port, timeout=30, source_address=(source, 0)
        )
        stack.callback(other.close)
        for method, path, sent in (("GET", "/healthz", None), ("POST", "/generate", BODY)):
            other.request(method, path, sent, kind)
            answer = other.getresponse()
            assert (answer.status, bool(answer.read())) == (200, True)
        if not proxies:
            with _connect(service) as surplus:
                refused = _received(surplus)
            assert (refused.status, refused.json["code"]) == (429, "too_many_requests")
            assert refused.headers["retry-after"] == "1"


def test_more_threads_than_connections_keep_connections_open(tmp_path: Path, store: Path) -> None:
    """A connection stays open after an answer, also where few descriptors leave few connections."""
    environment = {"GUNICORN_CMD_ARGS": "--worker-connections 8 --threads 16"}
    with serving(tmp_path / "log", store=store, model="tiny", environment=environment) as service:
        assert _exchange(service, GET + b"\r\n").headers["connection"] == "keep-alive"


@pytest.mark.slow
def test_an_unfinished_request_has_a_deadline(service: Service) -> None:
    """Half a head is answered with 408, and no connection stays, whatever the client does."""
    with _connect(service) as silent, _connect(service) as slow:
        slow.sendall(b"GET /hea")
        answer = _received(slow)
        assert silent.recv(1) == b""
        wait_until(service.idle, "the end of both connections")
    assert (answer.status, answer.json["code"]) == (408, "request_timeout")


def test_a_request_may_arrive_byte_by_byte(service: Service) -> None:
    """A slow request within the deadline is answered, and so is the one sent right behind it."""
    with _connect(service) as connection:
        for byte in POST + CHUNKED + _chunked(BODY, 7):
            connection.sendall(bytes([byte]))
        assert len(_received(connection).json["text"]) == 20
        connection.sendall(GET + b"\r\n" + GET + b"\r\n")
        assert [_received_of(connection) for _ in range(2)] == [{"status": "alive"}] * 2


def _received_of(connection: socket.socket) -> Any:
    """Read one answer byte by byte, and so nothing of the next."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += connection.recv(1)
    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    return json.loads(connection.recv(length, socket.MSG_WAITALL))


@pytest.mark.parametrize("size", [1, 1000])
def test_a_chunked_body(service: Service, size: int) -> None:
    """A chunked body is read like one with a length."""
    answer = _exchange(service, POST + CHUNKED + _chunked(BODY, size))
    assert answer.json["text"] == service.generate(seed="abc", length=20).json["text"]


@pytest.mark.parametrize("head", [POST, GET])
def test_malformed_chunks(service: Service, head: bytes) -> None:
    """A malformed chunked body is a 400, on whatever route."""
    answer = _exchange(service, head + CHUNKED + b"zz\r\nhello\r\n")
    assert (answer.status, answer.json["code"]) == (400, "bad_request")
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("size", [1, 1_000, 2 * MAX_BODY])
def test_a_chunked_body_over_the_limit(service: Service, size: int) -> None:
    """Two megabytes in chunks of any size are a 413."""
    answer = _exchange(service, POST + CHUNKED + _chunked(b" " * 2 * MAX_BODY, size))
    assert (answer.status, answer.json["code"]) == (413, "request_entity_too_large")


def test_a_body_over_the_limit_is_not_invited(service: Service) -> None:
    """`Expect: 100-continue` with too large a length is refused before the body is sent."""
    expecting = POST + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n"
    with _connect(service) as connection:
        connection.sendall(expecting % (MAX_BODY + 1))
        assert connection.recv(12) == b"HTTP/1.1 413"
    with _connect(service) as connection:
        connection.sendall(expecting % len(BODY))
        assert connection.recv(25) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(BODY)
        assert _received(connection).status == 200


@pytest.mark.parametrize("fields", [{}, {"stream": True}, {"length": 3_000}], ids=str)
def test_a_half_closed_client_gets_its_whole_answer(
    service: Service, fields: dict[str, Any]
) -> None:
    """A client that ends its sending after the request receives the answer to the last byte."""
    body = json.dumps({"seed": "abc", "length": 2_000, "random_seed": 9} | fields).encode()
    head = POST + b"Cache-Control: no-store\r\nContent-Length: %d\r\n\r\n" % len(body)
    answer = _exchange(service, head + body, half_close=True)
    assert answer.status == 200
    assert b"finish_reason" in answer.body


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /healthz HTTP/1.1\r\n\r\n", 400),
        (b"GET /healthz HTTP/1.0\r\n\r\n", 200),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n\n", 400),
        (b"GET /healthz HTTP/1.1\nHost: x\n\n", 400),
        (b"GET /" + b"a" * 5_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
        (GET + b"A: b\r\n" * 100 + b"\r\n", 431),
        (GET + b"A: " + b"b" * 1_000_000, 431),
        (GET + b"Expect: the best\r\n\r\n", 417),
        (GET + b"Transfer-Encoding: brotli\r\n\r\n", 501),
        (GET + b"Content-Length: 1\r\n" + CHUNKED + b"0\r\n\r\n", 400),
        (GET + b"Content-Length: -1\r\n\r\n", 400),
    ],
    ids=lambda value: str(value)[:50],
)
def test_the_head_of_a_request(service: Service, request_: bytes, status: int) -> None:
    """A malformed head, or one over a limit, has its status at once, in a small document."""
    answer = _exchange(service, request_)
    assert answer.status == status
    assert len(answer.body) < 4_000


@pytest.mark.parametrize("name", ["SCRIPT_NAME", "SCRIPT-NAME", "PATH_INFO"])
def test_no_header_changes_the_route(service: Service, name: str) -> None:
    """A client's header does not change which route answers."""
    answer = service.request("GET", "/healthz", headers={name: "/healthz"})
    assert (answer.status, answer.json) == (200, {"status": "alive"})


def test_a_lack_of_descriptors_ends_nothing(own: Service) -> None:
    """With more silent connections than descriptors, generations run on and requests are answered."""
    worker = _worker(own)
    running = own.stream(seed="abc", length=10_000)
    _, hard = worker.rlimit(psutil.RLIMIT_NOFILE)
    worker.rlimit(psutil.RLIMIT_NOFILE, (worker.num_fds() + 50, hard))
    with ExitStack() as stack:
        for _ in range(200):
            stack.enter_context(_connect(own))
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
        with _connect(service) as opened:
            opened.sendall(GET + b"\r\n")
            assert _received_of(opened) == {"status": "alive"}
            service.process.send_signal(signal.SIGTERM)
            wait_until(lambda: not listens(service.port), "a closed listener")
            opened.sendall(GET.replace(b"healthz", b"metrics") + b"\r\n")
            assert b"charloom_running 1.0" in _received(opened).body
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
