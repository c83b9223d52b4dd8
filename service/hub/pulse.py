"""The pulse of the hub: a byte in a pipe twice a second, as long as no step of an engine hangs."""

import os
import threading
from collections.abc import Callable
from contextlib import suppress

BEAT = 0.5  # seconds
SILENCE = 6.0  # seconds after which a hub counts as hanging
QUIET = 2.5  # seconds without a message of the hub after which a worker counts as not ready
START_SECONDS = 60.0  # until the first beat, on a machine under load
LONGEST_STEP = 10.0  # seconds; a step takes milliseconds


def beat(pipe: int, healthy: Callable[[], bool]) -> None:
    """Write the beats into a pipe in a thread, while `healthy` returns true."""

    def run() -> None:
        pause = threading.Event()
        while True:
            # Neither a dead keeper nor a full pipe ends the hub.
            with suppress(OSError):
                if healthy():
                    os.write(pipe, b".")
            pause.wait(BEAT)

    os.set_blocking(pipe, False)
    threading.Thread(target=run, name="pulse", daemon=True).start()


def beats(pipe: int) -> bool:
    """Return whether beats have come since the last call."""
    try:
        return os.read(pipe, 4096) != b""
    except BlockingIOError:
        return False
