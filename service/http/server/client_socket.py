"""The socket of a client, on which no call waits without a limit."""

import socket
from contextlib import suppress
from select import POLLOUT, poll
from threading import Lock
from time import monotonic

SEND_SECONDS = 20.0
"""How long the service waits for a client that receives nothing of its response."""
LEAST_RATE = 4_000.0
"""The bytes per second of a client for which the service waits without an end."""
UNSENT_BYTES = 65_536
"""The bytes in the kernel, beyond those under way to the client, up to which a write goes on.

Without this limit the kernel takes megabytes, and then none before a slow client has received a third of them.
"""
INVITATION = b"HTTP/1.1 100 Continue\r\n\r\n"


class ClientSocket(socket.socket):
    """A socket that never blocks, except for a write, which has a limit of time."""

    def __init__(self, accepted: socket.socket) -> None:
        super().__init__(fileno=accepted.detach())
        self.setblocking(False)
        self._writing = Lock()
        with suppress(OSError):  # not every kernel has the option
            self.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_BYTES)
        self.arrived = monotonic()
        """The monotonic time at which the last request had arrived."""
        self._wrote = False
        """Whether the response has begun, or the client was asked whether it is there."""
        self._patience = SEND_SECONDS
        """The seconds that writes of this response may still wait; each byte sent adds to them."""

    def sendall(self, data: bytes, flags: int = 0) -> None:  # type: ignore[override]
        """Send all bytes.

        Raises:
            BrokenPipeError: the client received nothing for SEND_SECONDS, or less than LEAST_RATE for longer.
        """
        with self._writing:
            self._wrote = True
            rest = memoryview(data)
            while rest:
                try:
                    sent = self.send(rest, flags)
                except BlockingIOError:
                    self._wait_until_writable()
                    continue
                rest = rest[sent:]
                self._patience = min(SEND_SECONDS, self._patience + sent / LEAST_RATE)

    def begin_response(self) -> None:
        """Begin the response to the next request of the connection, which has arrived."""
        self.arrived = monotonic()
        self._wrote = False
        self._patience = SEND_SECONDS

    def has_left(self, *, may_ask: bool) -> bool:
        """Return whether the client has closed the connection; any thread may call.

        A client that has only ended its own sending looks at first like one that has left. Where the
        client may be asked, `100 Continue` is sent once, before the response: a client that has left
        resets the connection, and any other skips the interim response (RFC 9110, section 15.2).
        """
        try:
            if self.recv(1, socket.MSG_PEEK):
                return False
            if may_ask:
                self._ask()
                self.getpeername()  # fails after a reset
        except BlockingIOError:
            return False
        except OSError:
            return True
        return not may_ask

    def _ask(self) -> None:
        # A thread that holds the lock is sending, which finds out as well.
        if self._wrote or not self._writing.acquire(blocking=False):
            return
        try:
            if not self._wrote:
                self._wrote = True
                self.send(INVITATION)
        finally:
            self._writing.release()

    def _wait_until_writable(self) -> None:
        began = monotonic()
        poller = poll()
        poller.register(self, POLLOUT)
        if not poller.poll(1000 * self._patience):
            raise BrokenPipeError("the client does not receive the response")
        self._patience = max(0.0, self._patience - (monotonic() - began))
