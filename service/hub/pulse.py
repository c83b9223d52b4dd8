"""The pulse of the hub: a byte in a pipe twice a second, until a step of an engine hangs."""

import logging
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from time import monotonic

BEAT = 0.5  # seconds
SILENCE = 6.0  # seconds after which a hub counts as hanging
QUIET = 2.5  # seconds without a message of the hub after which a worker counts as not ready
START_SECONDS = 60.0  # until the first beat, on a machine under load
LONGEST_STEP = 6.0  # seconds; a step takes milliseconds
STANDSTILL = 3.0  # seconds between two looks that should lie a second apart at most
RECOVERY = 2.0  # seconds after a standstill, in which every process gives a sign of life

log = logging.getLogger(__name__)


class Standstills:
    """Notices that this process has stood still, as in a paused container or on a paused machine.

    The processes that this one watches have then stood still too, and are not to be judged by their silence.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._looked = clock()
        self._recovered = self._looked

    def recent(self) -> bool:
        """Return whether the process has stood still just now; to be called every second."""
        before, self._looked = self._looked, self._clock()
        if self._looked > before + STANDSTILL:
            self._recovered = self._looked + RECOVERY
        return self._looked < self._recovered


def beat(pipe: int, healthy: Callable[[], bool]) -> None:
    """Write the beats into a pipe in a thread, and end the process as soon as `healthy` returns false."""

    def run() -> None:
        standstills, pause = Standstills(), threading.Event()
        while standstills.recent() or healthy():
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
