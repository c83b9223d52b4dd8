"""A worker waits for each connection with a deadline, and for a bounded number of each address."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from gunicorn.config import Config

from service.http.server.client_socket import ClientSocket
from service.http.server.connection import Connection
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


def test_the_oldest_of_an_address_with_too_many(connections: list[Connection]) -> None:
    """Beyond the bound of one address, the connection that has waited longest is named."""
    waiting = Waiting(most=2)
    *two, third, other = connections
    for connection in (*two, other):
        waiting.add(connection, 10)
    assert waiting.surplus("10.0.0.1") is None
    waiting.add(third, 10)
    assert waiting.surplus("10.0.0.1") is two[0]
    assert waiting.surplus("10.0.0.2") is None
    waiting.add(two[0], 10)
    assert waiting.surplus("10.0.0.1") is two[1]
    waiting.discard(two[1])
    assert waiting.surplus("10.0.0.1") is None
    assert list(waiting) == [other, third, two[0]]


def test_deadlines_pass(connections: list[Connection]) -> None:
    """A deadline is that of the last addition, and a drain brings every deadline forward."""
    waiting = Waiting(most=10)
    first, second, *_ = connections
    waiting.add(first, 0)
    waiting.add(second, 100)
    assert waiting.expired() == [first]
    waiting.add(first, 100)
    assert waiting.expired() == []
    waiting.shorten(0)
    assert waiting.expired() == [second, first]
