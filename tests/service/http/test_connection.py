"""The probe of a connection sees whether the client has hung up, and reads nothing."""

import socket
from collections.abc import Iterator

import pytest

from service.http.connection import connection_probe

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    """The connected sockets of a server and a client."""
    server, client = socket.socketpair()
    with server, client:
        yield server, client


def test_a_silent_client_is_connected(pair: Pair) -> None:
    """A client that sends nothing but keeps the connection open is connected."""
    assert connection_probe({"gunicorn.socket": pair[0]})()


def test_a_client_that_hangs_up_is_gone(pair: Pair) -> None:
    """A client that closes the connection is seen to be gone."""
    server, client = pair
    connected = connection_probe({"gunicorn.socket": server})
    client.close()
    assert not connected()


def test_a_probe_takes_no_byte(pair: Pair) -> None:
    """A request that the client sends meanwhile stays whole for the server to read."""
    server, client = pair
    client.sendall(b"GET /")
    assert connection_probe({"gunicorn.socket": server})()
    assert server.recv(100) == b"GET /"


def test_a_closed_socket_is_not_connected(pair: Pair) -> None:
    """A socket that the server itself has closed counts as disconnected."""
    connected = connection_probe({"gunicorn.socket": pair[0]})
    pair[0].close()
    assert not connected()


def test_a_server_without_a_socket_counts_as_connected() -> None:
    """Where the server gives no socket, a client is never taken for gone."""
    assert connection_probe({})()
