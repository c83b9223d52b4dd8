"""The process of the hub, started by `service.hub.keeper`.

In one process with HTTP, Python threads that answer requests would take the interpreter's lock from the
engines at every step: see "Process model" in docs/performance.md.
"""

import logging
import logging.config
import os
import signal
import socket
import sys
import threading
from concurrent.futures import Future
from multiprocessing.connection import Connection

from service.cache.memory import MemoryBytes
from service.hub.counters import Counters
from service.hub.messages import EngineSpec, Open
from service.hub.peer import Peer
from service.hub.pulse import beat
from service.hub.rendezvous import accept
from service.hub.shared_engine import SharedEngine
from service.logs import configuration

log = logging.getLogger(__name__)


class Hub:
    """The open engines by their specs, the memory and the counts; safe to use from any thread."""

    def __init__(self, cache_bytes: int) -> None:
        self._memory = MemoryBytes(cache_bytes)
        self._counters = Counters()
        self._engines: dict[EngineSpec, Future[SharedEngine]] = {}
        self._users: dict[EngineSpec, int] = {}
        self._lock = threading.Lock()

    @property
    def healthy(self) -> bool:
        """Whether no step of an open engine hangs."""
        with self._lock:
            opened = [future for future in self._engines.values() if future.done()]
        return all(future.result().healthy for future in opened if future.exception() is None)

    def serve(self, connection: socket.socket) -> None:
        """Take a worker's orders, in a thread, until the connection ends."""
        peer = Peer(Connection(connection.detach()), self, self._memory, self._counters)
        threading.Thread(target=peer.run, name="orders", daemon=True).start()

    def acquire(self, order: Open) -> SharedEngine:
        """Return the engine of a spec; the first thread opens the engine, the others wait.

        Raises:
            Exception: the engine cannot be opened.
        """
        spec = order.spec
        with self._lock:
            known = self._engines.get(spec)
            future = self._engines.setdefault(spec, Future())
            self._users[spec] = self._users.get(spec, 0) + 1
        if known is None:
            try:
                future.set_result(SharedEngine(order))
            except BaseException as error:  # noqa: BLE001 - raised below, in every thread that waits
                with self._lock:
                    del self._engines[spec], self._users[spec]  # the next worker tries again
                future.set_exception(error)
        return future.result()

    def release(self, engine: SharedEngine) -> None:
        """Close an engine that no worker has open any longer."""
        with self._lock:
            self._users[engine.spec] -= 1
            if self._users[engine.spec]:
                return
            del self._users[engine.spec], self._engines[engine.spec]
        engine.close()


def end_process(failure: threading.ExceptHookArgs) -> None:
    """End the hub, one of whose threads has failed: workers would wait for that thread for ever.

    The next hub draws again what was running.
    """
    kind, error, trace = failure.exc_type, failure.exc_value, failure.exc_traceback
    log.error("a thread failed: the hub ends", exc_info=(kind, error or kind(), trace))
    logging.shutdown()
    os._exit(1)


def main() -> None:
    """Serve the workers; the arguments are the rendezvous, the pulse's pipe and the memory's bytes."""
    # Signals such as Ctrl-C reach the whole group; the hub ends when every worker has ended.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    logging.config.dictConfig(configuration())
    threading.excepthook = end_process
    far, pulse, cache_bytes = map(int, sys.argv[1:])
    hub = Hub(cache_bytes)
    beat(pulse, lambda: hub.healthy)
    for connection in accept(socket.socket(fileno=far)):
        hub.serve(connection)
    # Threads may be in ONNX Runtime, in which the interpreter's ordinary end would crash.
    logging.shutdown()
    os._exit(0)


if __name__ == "__main__":
    main()
