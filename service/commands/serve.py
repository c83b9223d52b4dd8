"""`python -m service [serve]`: the service under gunicorn."""

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
    """gunicorn's master process; SIGHUP has the models looked at again, not the workers replaced.

    New workers would load every model anew, and a bad one would end the whole service.
    """

    def handle_hup(self) -> None:
        """Pass the signal on to the workers."""
        self.log.info("looking at the model store again")
        self.kill_workers(signal.SIGHUP)


class Server(WSGIApplication):  # type: ignore[misc]  # gunicorn ships no types
    """The application that gunicorn runs."""

    def load(self) -> Any:
        """Assemble the application; a default model that cannot be loaded is one line on stderr."""
        try:
            return super().load()
        except (StoreError, ServiceError) as error:
            # The one error that gunicorn reports without a traceback.
            raise AppImportError(f"service: CHARLOOM_MODEL: {error}") from error

    def run(self) -> None:
        """Serve until a signal ends it."""
        Supervisor(self).run()


def main(arguments: Sequence[str]) -> int:
    """Run until a signal ends it; HOST and PORT are the address, the arguments gunicorn's.

    Without its default model it does not start: one line says which there are, and the status is 2.
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
