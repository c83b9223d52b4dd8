"""A worker of gunicorn in which a slow client holds no thread.

gunicorn's own `gthread` reads a request in a thread, which waits there for the client. This worker reads in
the event loop, with a deadline for each stage of a connection, and gives whole requests to the threads.
"""

import errno
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from selectors import EVENT_READ
from time import monotonic
from typing import Any

from gunicorn.http.errors import NoMoreData, ParseException
from gunicorn.workers.gthread import ThreadWorker

from service.environment import settings_at_start
from service.errors import shortened
from service.http.server.client_address import client_behind
from service.http.server.client_socket import INVITATION, ClientSocket
from service.http.server.connection import Connection, Stage
from service.http.server.connections import Connections
from service.http.server.refusals import TooManyConnections, refusal
from service.http.server.threads import Threads
from service.http.server.waiting import Waiting
from service.pool import Pool

SECONDS = {Stage.IDLE: 620.0, Stage.HEAD: 10.0, Stage.BODY: 30.0, Stage.ENDING: 5.0}
"""Seconds until a connection is closed, by stage: a proxy in front closes idle ones first, Google's after 600."""
CHECK_SECONDS = 0.25  # between two looks at the deadlines
PAUSE_SECONDS = 0.5  # without accepting, where the process may open no more descriptors
DRAIN_SECONDS = 2.0  # for each stage, once the worker is told to stop
END_SECONDS = 4.0  # for the texts that end unfinished, before the master kills the worker
READ_BYTES = 65_536
MAX_HELD = 100_000_000  # bytes of unfinished requests of all clients

SURPLUS = "every connection that one address may have waits for an answer; try again in a moment"
PROBES = ("/healthz", "/readyz")
EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


class Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn ships no types
    """Reads requests in the event loop and answers each request in a thread."""

    @classmethod
    def check_config(cls, cfg: Any, log: Any) -> None:  # noqa: ARG003 - gunicorn names the arguments
        """End the start of a service that is to speak TLS."""
        if cfg.is_ssl:
            sys.exit("service: there is no TLS; let a proxy in front of the service do so")

    def init_process(self) -> None:
        """Make the state of the forked process, and run."""
        self._proxies = settings_at_start().trusted_proxies
        # All connections of a proxy have the proxy's address.
        most = self.worker_connections
        self._connections = Connections(most, most if self._proxies else most // 2)
        self._waiting = Waiting()
        self.max_keepalived = most  # else the number of threads reduces it, here to none
        # The probes have threads of their own: every other thread may be busy.
        self._probes = Threads(Pool(2, "probe"))
        self._next_check = self._paused_until = 0.0
        self._quits = False
        super().init_process()

    def init_signals(self) -> None:
        """Set the handlers, and receive the signals that were held back since the fork."""
        super().init_signals()
        # A worker that starts loads the newest models; without a handler SIGHUP would end the worker.
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())

    def handle_quit(self, sig: int, frame: Any) -> None:
        """Stop without an answer to running requests.

        The method takes no lock, as gunicorn's does: the signal may interrupt the thread that holds it.
        """
        if not self.booted:
            super().handle_quit(sig, frame)
        self._quits = True
        self.handle_exit(sig, frame)

    def run(self) -> None:
        """Serve until a signal; then become unready, close the listeners, and answer what has arrived."""
        self._threads = Threads(Pool(self.cfg.threads, "answer"))
        self.poller.register(
            self.method_queue.fileno(), EVENT_READ, self.method_queue.run_callbacks
        )
        while self.alive and self.is_parent_alive():
            self._serve()
        self._drain(monotonic() + self.cfg.graceful_timeout)
        self._end()

    def _serve(self) -> None:
        paused = monotonic() < self._paused_until
        self.set_accept_enabled(not (paused or self._connections.full))
        self._turn()

    def _turn(self) -> None:
        self.notify()
        self.wait_for_and_dispatch_events(timeout=CHECK_SECONDS)
        if monotonic() >= self._next_check:
            self._next_check = monotonic() + CHECK_SECONDS
            self._check()

    def _check(self) -> None:
        """End the connections that have waited too long, and the longest-waiting where all hold too much."""
        for connection in self._waiting.expired():
            self._expire(connection)
        held = sum(len(connection.incoming) for connection in self._waiting)
        for connection in self._waiting:
            if held <= MAX_HELD:
                return
            held -= len(connection.incoming)
            self._close(connection)

    def _drain(self, end: float) -> None:
        """Let balancers look elsewhere, accept no more, and answer up to a monotonic time."""
        self.wsgi.stopping.begun = True
        # Running texts end in time, also where the balancers have more time than the grace period.
        accepts_until = min(monotonic() + settings_at_start().unready_seconds, end - END_SECONDS)
        while monotonic() < accepts_until and self.is_parent_alive() and not self._quits:
            self._serve()
        self._stop_accepting()
        self._answer_until(end - END_SECONDS)
        self.wsgi.stopping.over = True
        self._answer_until(end)

    def _stop_accepting(self) -> None:
        self.set_accept_enabled(False)
        for listener in self.sockets:
            self._accept_rest(listener)
            listener.close()
        self._waiting.shorten(DRAIN_SECONDS)

    def _answer_until(self, end: float) -> None:
        while self._connections and monotonic() < end and not self._quits:
            self._turn()

    def _end(self) -> None:
        for connection in self._connections:
            with suppress(OSError):
                connection.sock.shutdown(socket.SHUT_RDWR)
        self._threads.close()
        self._probes.close()

    def accept(self, listener: socket.socket) -> None:
        """Accept a connection, and read what has arrived."""
        self._accept(listener)

    def _accept(self, listener: socket.socket) -> bool:
        try:
            accepted, client = listener.accept()
        except OSError as error:
            if error.errno in EXHAUSTED:
                self._pause(error)
            return False
        server = listener.getsockname()
        connection = Connection(ClientSocket(accepted), client, server, self.cfg)
        self._connections.add(connection)
        if self._makes_room(connection.address):
            self._read(connection)
        else:
            self._refuse(connection, TooManyConnections(SURPLUS))
        return True

    def _accept_rest(self, listener: socket.socket) -> None:
        """Accept what the kernel has accepted, and would reset when the listener closes."""
        listener.setblocking(False)  # as `set_accept_enabled` does, which may not have come so far
        for _ in range(self.cfg.backlog):
            if not self._accept(listener):
                return

    def _makes_room(self, address: str) -> bool:
        """Close the longest-waiting connection where there are too many; return whether that is enough."""
        surplus = self._connections.surplus(address)
        if surplus or self._connections.full:
            oldest = self._waiting.oldest(address if surplus else None)
            if oldest is not None:
                self._close(oldest)
        return not self._connections.surplus(address)

    def _pause(self, error: OSError) -> None:
        self.log.warning("no connection is accepted for a moment: %s", error.strerror)
        self._paused_until = monotonic() + PAUSE_SECONDS
        for connection in list(self._waiting)[:10]:
            self._close(connection)

    def _enter(self, connection: Connection, stage: Stage) -> None:
        """Let a connection enter a stage in which the worker waits for bytes of the client."""
        if connection not in self._waiting:
            read = partial(self._read, connection)
            self.poller.register(connection.sock, EVENT_READ, lambda _: read())
        if connection.stage is not stage:
            connection.stage = stage
            self._waiting.add(connection, SECONDS[stage] if self.alive else DRAIN_SECONDS)

    def _leave(self, connection: Connection) -> None:
        """Wait for no bytes of a connection."""
        if connection in self._waiting:
            self.poller.unregister(connection.sock)
            self._waiting.discard(connection)

    def _read(self, connection: Connection) -> None:
        """Read what has arrived."""
        try:
            received = connection.sock.recv(READ_BYTES)
        except BlockingIOError:
            if connection.stage is Stage.NEW:
                self._enter(connection, Stage.HEAD)
            return
        except OSError:
            received = b""
        if not received:
            self._close(connection)
        elif connection.stage is not Stage.ENDING:
            connection.incoming.feed(received)
            self._go_on(connection)

    def _go_on(self, connection: Connection) -> None:
        """Give the next request to a thread, or wait for the rest of the request."""
        incoming = connection.incoming
        try:
            request = incoming.take()
        except (ParseException, NoMoreData) as error:
            self._refuse(connection, error)
            return
        if request is not None:
            self._give(connection, request)
            return
        if incoming.expects_invitation:
            incoming.expects_invitation = False
            with suppress(OSError):
                connection.sock.send(INVITATION)
        self._enter(connection, Stage.BODY if incoming.has_head else Stage.HEAD)

    def _give(self, connection: Connection, request: Any) -> None:
        self._leave(connection)
        connection.stage = Stage.ANSWER
        connection.sock.begin_response()
        threads = self._probes if request.path in PROBES else self._threads
        client = client_behind(request, connection.address, self._proxies)
        release = partial(threads.release, client)
        threads.submit(client, partial(self._answer, connection, request, release))

    def _answer(self, connection: Connection, request: Any, release: Callable[[], None]) -> None:
        """Answer a request, in a thread, which the event loop then releases."""
        keeps = False
        try:
            keeps = self.handle_request(request, connection)
        except (ConnectionError, StopIteration) as error:
            self.log.debug("the response was not received: %s", error)
        except Exception as error:  # noqa: BLE001 - whatever the application raises
            self.handle_error(request, connection.sock, connection.client, error)
        finally:
            self.method_queue.defer(release)
            self.method_queue.defer(self._answered, connection, keeps)

    def _answered(self, connection: Connection, keeps: bool) -> None:
        """Wait for the next request, of which a part may have arrived with the last, or end."""
        if not keeps:
            self._finish(connection)
        elif len(connection.incoming):
            self._go_on(connection)
        else:
            self._enter(connection, Stage.IDLE)

    def _expire(self, connection: Connection) -> None:
        has_begun = connection.incoming.has_head or len(connection.incoming)
        if connection.stage in (Stage.HEAD, Stage.BODY) and has_begun:
            seconds = SECONDS[connection.stage]
            self._refuse(connection, TimeoutError(f"the request took longer than {seconds:.0f} s"))
        else:
            self._close(connection)

    def _refuse(self, connection: Connection, error: Exception) -> None:
        self.log.info("refused a request from %s: %s", connection.address, shortened(str(error)))
        with suppress(OSError):
            connection.sock.send(refusal(error))
        self._finish(connection)

    def _finish(self, connection: Connection) -> None:
        """End the sending, and read on for a moment: unread bytes would reset the connection.

        The client could then not read the response (RFC 9112, section 9.6).
        """
        try:
            connection.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self._close(connection)
        else:
            self._enter(connection, Stage.ENDING)

    def _close(self, connection: Connection) -> None:
        self._leave(connection)
        self._connections.discard(connection)
        connection.sock.close()
