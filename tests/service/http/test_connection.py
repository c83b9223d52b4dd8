"""A connection says whether the client has hung up, reading nothing, and when the request had arrived."""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

import pytest

from service.http.connection import arrival, connection_probe
from service.http.server import client_socket
from service.http.server.client_socket import INVITATION, ClientSocket

Pair = tuple[ClientSocket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    """The connected TCP sockets of a server and a client."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        with ClientSocket(listener.accept()[0]) as server, client:
            yield server, client


def _is_connected(server: ClientSocket, protocol: str = "HTTP/1.1") -> bool:
    return connection_probe({"gunicorn.socket": server, "SERVER_PROTOCOL": protocol})()


def test_a_silent_client_is_connected(pair: Pair) -> None:
    """A client that sends nothing but keeps the connection open is connected."""
    assert _is_connected(pair[0])


@pytest.mark.parametrize("resets", [False, True])
def test_a_client_that_hangs_up_is_gone(pair: Pair, resets: bool) -> None:
    """A client that closes the connection is gone at the second look, and stays gone."""
    server, client = pair
    if resets:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()
    _is_connected(server)
    assert [_is_connected(server) for _ in range(3)] == [False] * 3


def test_a_client_that_only_ends_its_sending_is_connected(pair: Pair) -> None:
    """A half-closed client is connected, and is sent one interim response."""
    server, client = pair
    client.shutdown(socket.SHUT_WR)
    assert [_is_connected(server) for _ in range(3)] == [True] * 3
    server.sendall(b"the response")
    server.close()
    assert client.makefile("rb").read() == INVITATION + b"the response"


def test_no_interim_response_interrupts_a_response(pair: Pair) -> None:
    """Once the response has begun, a half-closed client is sent nothing else."""
    server, client = pair
    client.shutdown(socket.SHUT_WR)
    server.sendall(b"the beginning, ")
    assert _is_connected(server)
    server.sendall(b"the end")
    server.close()
    assert client.makefile("rb").read() == b"the beginning, the end"


def test_with_http_1_0_a_half_closed_client_is_gone(pair: Pair) -> None:
    """HTTP/1.0 has no interim responses, so a client that ends its sending counts as gone."""
    server, client = pair
    client.shutdown(socket.SHUT_WR)
    assert not _is_connected(server, "HTTP/1.0")


def test_a_probe_takes_no_byte(pair: Pair) -> None:
    """A request that the client sends meanwhile stays whole for the server to read."""
    server, client = pair
    client.sendall(b"GET /")
    assert _is_connected(server)
    assert server.recv(100) == b"GET /"


def test_a_closed_socket_is_not_connected(pair: Pair) -> None:
    """A socket that the server itself has closed counts as disconnected."""
    pair[0].close()
    assert not _is_connected(pair[0])


def test_a_server_without_a_socket_counts_as_connected() -> None:
    """Where the server gives no socket, a client is never taken for gone."""
    assert connection_probe({})()


def test_the_time_of_a_request_begins_with_its_arrival(pair: Pair) -> None:
    """What a request waits for a thread counts; without a socket the time begins now."""
    before = monotonic()
    pair[0].begin_response()
    after = monotonic()
    threading.Event().wait(0.05)
    assert before <= arrival({"gunicorn.socket": pair[0]}) <= after
    assert arrival({}) > after


def test_a_client_that_does_not_receive_ends_the_response(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A write of which the client receives nothing fails like one to a closed connection."""
    monkeypatch.setattr(client_socket, "SEND_SECONDS", 0.1)
    pair[0].begin_response()
    with pytest.raises(ConnectionError):
        pair[0].sendall(bytes(100_000_000))


def test_a_client_that_receives_steadily_gets_the_whole_response(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A write may take longer than the limit for a client that receives nothing."""
    monkeypatch.setattr(client_socket, "SEND_SECONDS", 3.0)
    pair[0].begin_response()
    with _receiving(pair[1], 1_000_000, pause=0.2):
        pair[0].sendall(bytes(20_000_000))


def test_a_client_that_receives_too_slowly_ends_the_response(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client below the lowest rate loses the connection, though the client always receives something."""
    monkeypatch.setattr(client_socket, "SEND_SECONDS", 1.0)
    monkeypatch.setattr(client_socket, "LEAST_RATE", 10_000_000.0)
    pair[0].begin_response()
    with _receiving(pair[1], 10_000, pause=0.01), pytest.raises(ConnectionError):
        pair[0].sendall(bytes(100_000_000))


@contextmanager
def _receiving(client: socket.socket, size: int, pause: float) -> Iterator[None]:
    """Let a client receive bytes again and again, with a pause in seconds after each `size`."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 100_000)  # the kernel holds few bytes
    ended = threading.Event()

    def receive() -> None:
        while client.recv(size, socket.MSG_WAITALL) and not ended.wait(pause):
            pass

    receiving = threading.Thread(target=receive)
    receiving.start()
    try:
        yield
    finally:
        ended.set()
        client.shutdown(socket.SHUT_RDWR)
        receiving.join()
