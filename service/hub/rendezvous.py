"""How a worker reaches the hub: connections, handed over through a pair of sockets without a name.

A socket in the file system would need a writable folder, and a name in Linux's abstract space would be
open to every user. The pair outlives the hub's process: a connection that is handed over while no hub
runs waits for the next hub.
"""

import os
import socket
import struct
from collections.abc import Iterator
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import cast

from service.hub.messages import Order, Report

SECONDS_TO_SEND = 2  # a hub that takes no order for so long hangs


class Rendezvous:
    """Both sockets of the pair, in the process that starts the hub and in the workers forked from it."""

    def __init__(self) -> None:
        self._near, self.far = socket.socketpair()

    def connect(self) -> socket.socket:
        """Return a connection whose other end is handed to the hub."""
        ours, theirs = socket.socketpair()
        with theirs:
            # One byte with one descriptor, so that a read of one byte is one connection.
            socket.send_fds(self._near, [b"."], [theirs.fileno()])
        return ours

    def close(self) -> None:
        """Close both sockets; the hub ends when every process has closed its own."""
        self._near.close()
        self.far.close()


def accept(far: socket.socket) -> Iterator[socket.socket]:
    """Yield each connection that is handed over, until every process that may connect has ended."""
    while True:
        byte, descriptors, _, _ = socket.recv_fds(far, 1, 1)
        if not byte:
            return
        yield from (socket.socket(fileno=descriptor) for descriptor in descriptors)


class Link:
    """Sends orders and receives reports; one thread at a time sends, one receives."""

    def __init__(self, rendezvous: Rendezvous) -> None:
        """Connect; the hub may answer later."""
        self._socket = rendezvous.connect()
        timeout = struct.pack("ll", SECONDS_TO_SEND, 0)  # a C timeval: seconds and microseconds
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, timeout)
        self._connection = Connection(os.dup(self._socket.fileno()))

    def send(self, order: Order) -> None:
        """Send an order; a failure ends the connection, as the receiving thread will find."""
        try:
            self._connection.send(order)
        except OSError:
            # The hub has died or hangs. A part of the order may be sent, after which nothing can follow.
            self.shut()

    def receive(self) -> list[Report]:
        """Return the next reports.

        Raises:
            EOFError, OSError: the connection has ended.
        """
        return cast("list[Report]", self._connection.recv())

    def shut(self) -> None:
        """End the connection, also for a thread that receives; a plain close would leave it waiting."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Free the descriptors of an ended connection."""
        self._connection.close()
        self._socket.close()
