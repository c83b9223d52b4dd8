"""The pulse of the hub: a byte in a pipe twice a second, until a step of an engine hangs."""

import logging
import os
import threading
from collections.abc import Callable
from contextlib import suppress

BEAT = 0.5  # seconds
SILENCE = 6.0  # seconds after which a hub counts as hanging
QUIET = 2.5  # seconds without a message of the hub after which a worker counts as not ready
START_SECONDS = 60.0  # until the first beat, on a machine under load
LONGEST_STEP = 6.0  # seconds; a step takes milliseconds

log = logging.getLogger(__name__)


def beat(pipe: int, healthy: Callable[[], bool]) -> None:
    """Write the beats into a pipe in a thread, and end the process as soon as `healthy` returns false."""

    def run() -> None:
        pause = threading.Event()
        while healthy():
            # Neither a dead keeper nor a full pipe ends the hub.
            with suppress(OSError):
                os.write(pipe, b".")
            pause.wait(BEAT)
        log.error("a step of an engine hangs: the hub ends")
        os._exit(1)  # a thread that hangs cannot be ended

    os.set_blocking(pipe, False)
    threading.Thread(target=run, name="pulse", daemon=True).start()


def beats(pipe: int) -> bool:
    """Return whether beats have come since the last call."""
    try:
        return os.read(pipe, 4096) != b""
    except BlockingIOError:
        return False
