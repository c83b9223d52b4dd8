"""The keeper of the hub: starts the hub's process, and another one where the process died or hangs."""

import logging
import os
import subprocess
import sys
import threading
from time import monotonic

from service.hub.pulse import SILENCE, START_SECONDS, Standstills, beats
from service.hub.rendezvous import Rendezvous
from service.settings import Settings

log = logging.getLogger(__name__)

SECONDS_TO_END = 5.0
# A hub that dies young is started again after a pause, which doubles with each early death.
YOUNG, FIRST_PAUSE, LONGEST_PAUSE = 10.0, 0.5, 30.0


class Keeper:
    """One hub at a time; the owner calls `check` every second."""

    def __init__(self, settings: Settings) -> None:
        """Start the hub; the hub keeps the cache in memory where the settings name no Redis."""
        self.rendezvous = Rendezvous()
        self._cache_bytes = 0 if settings.redis_url else settings.cache_megabytes * 1_000_000
        self._pause = self._started = 0.0
        self._standstills = Standstills()
        self._start()

    def check(self) -> None:
        """Kill a hub that is silent, and start another in place of a dead one."""
        now = monotonic()
        if beats(self._pulse):
            self._last_beat = now
        if self._standstills.recent():
            self._last_beat = max(self._last_beat, now)  # a hub that starts has more time
        if self._process.poll() is not None:
            self._replace(now)
        elif now > self._last_beat + SILENCE:
            log.error("the hub does not answer and is killed")
            self._process.kill()
            self._process.wait()
            self._replace(now)

    def close(self) -> None:
        """End the hub; the workers have ended before."""
        self.rendezvous.close()
        try:
            self._process.wait(SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._pulse)

    def _replace(self, now: float) -> None:
        if now < self._started + YOUNG:
            if now < self._started + self._pause:
                return
            self._pause = min(LONGEST_PAUSE, 2 * self._pause or FIRST_PAUSE)
        else:
            self._pause = 0.0
        log.warning("the hub has died; another one is started, and draws what was running again")
        silent = self._pulse
        try:
            self._start()
        except OSError as error:  # the system may have no room for a process at the moment
            log.warning("no hub can be started: %s", error.strerror)
            self._started = now  # as if this hub had died at once
        else:
            os.close(silent)

    def _start(self) -> None:
        """Start a hub; raises `OSError`, after which the keeper is as before."""
        pulse, theirs = os.pipe()
        far = self.rendezvous.far.fileno()
        try:
            process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "service.hub.process"),
                    *map(str, (far, theirs, self._cache_bytes)),
                ],
                pass_fds=[far, theirs],
                process_group=0,  # Ctrl-C reaches the service's group alone
            )
        except OSError:
            os.close(pulse)
            raise
        finally:
            os.close(theirs)
        os.set_blocking(pulse, False)
        self._pulse, self._process = pulse, process
        self._started = monotonic()
        self._last_beat = self._started + START_SECONDS


class WatchedKeeper(Keeper):
    """A keeper that checks by itself, in a thread, for a service without gunicorn's master process."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._closing = threading.Event()
        self._watch = threading.Thread(target=self._run, name="hub-keeper", daemon=True)
        self._watch.start()

    def close(self) -> None:
        """End the thread, then the hub."""
        self._closing.set()
        self._watch.join()
        super().close()

    def _run(self) -> None:
        while not self._closing.wait(1.0):
            self.check()
