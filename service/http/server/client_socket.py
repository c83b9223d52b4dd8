"""The socket of a client, on which no call waits without a limit."""

import socket
from select import POLLOUT, poll
from threading import Lock
from time import monotonic

SEND_SECONDS = 20.0
"""How long a client may take to receive one write, beyond what the kernel's buffers hold."""
INVITATION = b"HTTP/1.1 100 Continue\r\n\r\n"


class ClientSocket(socket.socket):
    """A socket that never blocks, except for a write, which has a limit of time."""

    def __init__(self, accepted: socket.socket) -> None:
        super().__init__(fileno=accepted.detach())
        self.setblocking(False)
        self._writing = Lock()
        self._wrote = False
        """Whether the response has begun, or the client was asked whether it is there."""

    def sendall(self, data: bytes, flags: int = 0) -> None:  # type: ignore[override]
        """Send all bytes.

        Raises:
            BrokenPipeError: the client has not received the bytes within SEND_SECONDS.
        """
        with self._writing:
            self._wrote = True
            end = monotonic() + SEND_SECONDS
            rest = memoryview(data)
            while rest:
                try:
                    rest = rest[self.send(rest, flags) :]
                except BlockingIOError:
                    self._wait_until_writable(end)

    def begin_response(self) -> None:
        """Begin the response to the next request of the connection."""
        self._wrote = False

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

    def _wait_until_writable(self, end: float) -> None:
        poller = poll()
        poller.register(self, POLLOUT)
        if not poller.poll(max(0, 1000 * (end - monotonic()))):
            raise BrokenPipeError("the client does not receive the response")
