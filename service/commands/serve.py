"""`python -m service [serve]`: runs the service under gunicorn."""

import gc
import signal
import sys
from collections.abc import Sequence
from importlib import import_module
from mmap import mmap
from time import sleep
from typing import Any

from gunicorn.app.wsgiapp import WSGIApplication
from gunicorn.arbiter import Arbiter
from gunicorn.errors import AppImportError

from model_store import ModelNotFound, StoreError
from service.errors import ServiceError
from service.hub.keeper import Keeper
from service.hub.pulse import Standstills
from service.models.offered import offered_models
from service.settings import Settings

SECONDS_TO_REST = 1.0  # before a worker that has failed at its start is replaced
# gunicorn's statuses: of a service that cannot listen, and of a worker that fails after its start.
NO_LISTENER, FAILED = 1, -1


class Supervisor(Arbiter):  # type: ignore[misc]  # gunicorn ships no types
    """gunicorn's master process, which owns the hub, and in which SIGHUP refreshes the models.

    A new worker would load every model again, and a damaged model would end the whole service.
    """

    def __init__(self, server: "Server") -> None:
        super().__init__(server)
        self._server, self._keeper = server, server.keeper
        self._terminated = False
        self._standstills = Standstills()

    def signal(self, sig: int, frame: Any) -> None:
        """Queue a signal; a second SIGTERM counts as SIGQUIT, which ends the service at once."""
        if sig == signal.SIGTERM:
            sig = signal.SIGQUIT if self._terminated else sig
            self._terminated = True
        super().signal(sig, frame)

    def spawn_workers(self) -> None:
        """Start the workers that are missing; at first one alone, which tries the default model.

        A model that cannot be loaded then is said once, and ends the start.
        """
        if self._server.loaded:
            super().spawn_workers()
        elif not self.WORKERS:
            self.spawn_worker()

    def spawn_worker(self) -> int:
        """Start a worker, and hold signals back until the worker has handlers of its own.

        The forked process has this process's handlers at first, which queue a signal for nobody. Where
        the system has no room for a process, gunicorn tries again in a second.
        """
        signal.pthread_sigmask(signal.SIG_BLOCK, self.SIGNALS)
        pid = 0
        try:
            pid = super().spawn_worker()
        except OSError as error:
            self.log.warning("no worker can be started: %s", error.strerror)
        except SystemExit as end:  # in the worker
            if end.code == self.WORKER_BOOT_ERROR and self._server.loaded:
                # With that status the service would end, although other workers answer.
                sleep(SECONDS_TO_REST)
                sys.exit(FAILED)
            raise
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, self.SIGNALS)
        return pid

    def handle_hup(self) -> None:
        """Pass SIGHUP on to the workers."""
        self.log.info("refreshing the models from the store")
        self.kill_workers(signal.SIGHUP)

    def murder_workers(self) -> None:
        """Replace workers and a hub that hang; called every second."""
        self._keeper.check()
        if not self._standstills.recent():
            super().murder_workers()

    def reap_workers(self) -> None:
        """Replace workers and a hub that have died; called at each death, and while workers drain."""
        super().reap_workers()
        self._keeper.check()

    def halt(self, *arguments: Any, **options: Any) -> None:
        """End the workers, then the hub."""
        try:
            super().halt(*arguments, **options)
        finally:
            self._keeper.close()


class Server(WSGIApplication):  # type: ignore[misc]  # gunicorn ships no types
    """The application that gunicorn runs."""

    keeper: Keeper
    """The keeper of the hub that all workers share."""

    def __init__(self) -> None:
        self._loaded = mmap(-1, 1)  # one byte, which the workers that are forked share
        super().__init__("python -m service")

    @property
    def loaded(self) -> bool:
        """Whether a worker has loaded the default model since the start."""
        return self._loaded[0] == 1

    def load(self) -> Any:
        """Assemble the application; after the first worker, one without a model begins unready.

        Raises:
            AppImportError: the default model cannot be loaded; gunicorn writes the message as one line.
        """
        # The module imports prometheus_client, which must find the folder that gunicorn_conf has made.
        from service.app import create_app  # noqa: PLC0415

        try:
            app = create_app(rendezvous=self.keeper.rendezvous, may_wait=self.loaded)
        except (StoreError, ServiceError) as error:
            # gunicorn reports every other error with a traceback.
            raise AppImportError(f"service: CHARLOOM_MODEL: {error}") from error
        self._loaded[0] = 1
        return app

    def run(self) -> None:
        """Serve until a signal ends the process."""
        settings = Settings()
        if settings.worker_count > 1:
            _share_code()
        self.keeper = Keeper(settings)
        try:
            Supervisor(self).run()
        except SystemExit as end:
            if end.code == NO_LISTENER:
                print(
                    f"service: PORT: the service cannot listen at {settings.port}: set PORT to another "
                    "number, or stop the program that listens there",
                    file=sys.stderr,
                )
            raise


def _share_code() -> None:
    """Load the application's modules before the workers are forked, which then share the memory.

    A further worker takes 17 MB instead of 35. A single worker would have nobody to share with.
    """
    import_module("service.app")
    gc.freeze()  # a collection would write to the shared pages


def main(arguments: Sequence[str]) -> int:
    """Serve at HOST and PORT until a signal ends the process; the arguments are gunicorn's.

    A missing default model is one line on stderr that names the models of the store, and status 2.
    """
    settings = Settings()
    try:
        offered_models(settings).resolve(settings.model)
    except StoreError as error:
        variable = "CHARLOOM_MODEL" if isinstance(error, ModelNotFound) else "CHARLOOM_STORE"
        print(f"service: {variable}: {error}", file=sys.stderr)
        return 2
    sys.argv[1:] = ["--config", "python:service.gunicorn_conf", *arguments]
    Server().run()
    return 0
