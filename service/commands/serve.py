"""`python -m service [serve]`: runs the service under gunicorn."""

import signal
import sys
from collections.abc import Sequence
from typing import Any

from gunicorn.app.wsgiapp import WSGIApplication
from gunicorn.arbiter import Arbiter
from gunicorn.errors import AppImportError

from model_store import ModelNotFound, StoreError
from service.errors import ServiceError
from service.models.offered import offered_models
from service.settings import Settings


class Supervisor(Arbiter):  # type: ignore[misc]  # gunicorn ships no types
    """gunicorn's master process, in which SIGHUP refreshes the models instead of the workers.

    A new worker would load every model again, and a damaged model would end the whole service.
    """

    def handle_hup(self) -> None:
        """Pass SIGHUP on to the workers."""
        self.log.info("refreshing the models from the store")
        self.kill_workers(signal.SIGHUP)


class Server(WSGIApplication):  # type: ignore[misc]  # gunicorn ships no types
    """The application that gunicorn runs."""

    def load(self) -> Any:
        """Assemble the application.

        Raises:
            AppImportError: the default model cannot be loaded; gunicorn writes the message as one line.
        """
        try:
            return super().load()
        except (StoreError, ServiceError) as error:
            # gunicorn reports every other error with a traceback.
            raise AppImportError(f"service: CHARLOOM_MODEL: {error}") from error

    def run(self) -> None:
        """Serve until a signal ends the process."""
        Supervisor(self).run()


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
    Server("python -m service").run()
    return 0
