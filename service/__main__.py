"""`python -m service`: the service under gunicorn."""

import sys

from gunicorn.app.wsgiapp import WSGIApplication


def main() -> None:
    """Run until a signal ends it; the address comes from HOST and PORT."""
    sys.argv[1:] = ["--config", "python:service.gunicorn_conf", *sys.argv[1:]]
    WSGIApplication("python -m service").run()


if __name__ == "__main__":
    main()
