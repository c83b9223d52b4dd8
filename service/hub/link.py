"""One connection of a worker to the hub."""

import os
import socket
import struct
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import cast

from service.hub.messages import Order, Report
from service.hub.rendezvous import Rendezvous

SECONDS_TO_SEND = 2  # a hub that takes no order for so long hangs


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
