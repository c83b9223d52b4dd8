"""`python -m service [serve]`: the service under gunicorn."""

import sys
from collections.abc import Sequence

from gunicorn.app.wsgiapp import WSGIApplication


def main(arguments: Sequence[str]) -> int:
    """Run until a signal ends it; HOST and PORT are the address, the arguments gunicorn's."""
    sys.argv[1:] = ["--config", "python:service.gunicorn_conf", *arguments]
    WSGIApplication("python -m service").run()
    return 0
