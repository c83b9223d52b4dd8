"""The place where workers hand connections to the hub: a pair of sockets without a name.

A socket in the file system would need a writable folder, and a name in Linux's abstract space would be
open to every user. The pair outlives the hub's process: a connection that is handed over while no hub
runs waits for the next hub.
"""

import socket
from collections.abc import Iterator


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
