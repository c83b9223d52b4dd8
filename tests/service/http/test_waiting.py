"""A worker waits for each connection with a deadline, and has a bounded number of each address."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from gunicorn.config import Config

from service.http.server.client_socket import ClientSocket
from service.http.server.connection import Connection
from service.http.server.connections import Connections
from service.http.server.waiting import Waiting


@pytest.fixture
def connections() -> Iterator[list[Connection]]:
    """Three connections of one address, and one of another."""
    with ExitStack() as stack:
        made = []
        for address in ("10.0.0.1", "10.0.0.1", "10.0.0.1", "10.0.0.2"):
            server, client = map(stack.enter_context, socket.socketpair())
            sock = stack.enter_context(ClientSocket(server))
            made.append(Connection(sock, (address, 1), None, Config()))
            stack.callback(client.close)
        yield made


def test_the_oldest_connection(connections: list[Connection]) -> None:
    """The connection that has waited longest is named, of one address or of all."""
    waiting = Waiting()
    first, second, third, other = connections
    for connection in (other, first, second, third):
        waiting.add(connection, 10)
    assert waiting.oldest() is other
    assert waiting.oldest("10.0.0.1") is first
    waiting.add(first, 10)
    waiting.discard(second)
    assert waiting.oldest("10.0.0.1") is third
    assert waiting.oldest("10.0.0.3") is None
    assert list(waiting) == [other, third, first]


def test_an_address_has_a_part_of_the_connections(connections: list[Connection]) -> None:
    """Connections are counted by address, and a connection that is closed twice is counted once."""
    bounded = Connections(most=4, most_of_one_address=2)
    for connection in connections:
        bounded.add(connection)
    assert bounded.full
    assert [bounded.surplus(each) for each in ("10.0.0.1", "10.0.0.2")] == [True, False]
    for _ in range(2):
        bounded.discard(connections[0])
    assert (bounded.full, len(bounded)) == (False, 3)
    assert not bounded.surplus("10.0.0.1")
    bounded.add(connections[0])
    assert bounded.surplus("10.0.0.1")


def test_deadlines_pass(connections: list[Connection]) -> None:
    """A deadline is that of the last addition, and a drain brings every deadline forward."""
    waiting = Waiting()
    first, second, *_ = connections
    waiting.add(first, 0)
    waiting.add(second, 100)
    assert waiting.expired() == [first]
    waiting.add(first, 100)
    assert waiting.expired() == []
    waiting.shorten(0)
    assert waiting.expired() == [second, first]
