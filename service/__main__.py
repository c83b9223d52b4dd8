"""`python -m service [COMMAND]`: finds the command and says in one line what it fails with."""

import signal
import sys
from importlib import import_module

from pydantic import ValidationError

from service.settings import Settings

# Each is `service/commands/<name>.py`, imported only when it is asked for.
COMMANDS = {
    "serve": "answer requests over HTTP (without a command, this)",
    "keys": "make a key: keys new NAME",
    "generate": "write text to the terminal as it is made",
}


def main() -> int:
    """Run one command and return its exit status, 2 for a wrong command or setting."""
    # Ctrl-C ends whatever runs here without a traceback; gunicorn sets a handler of its own.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    name, *arguments = sys.argv[1:] or ["serve"]
    if name in ("-h", "--help"):
        print(_usage())
        return 0
    if name not in COMMANDS:
        print(f"service: there is no command {name!r}\n{_usage()}", file=sys.stderr)
        return 2
    try:
        Settings()
    except ValidationError as error:
        _explain(error)
        return 2
    status: int = import_module(f"service.commands.{name}").main(arguments)
    return status


def _usage() -> str:
    lines = [f"  {name:9} {what}" for name, what in COMMANDS.items()]
    return "\n".join(["usage: python -m service [COMMAND] [OPTION …]", *lines])


def _explain(error: ValidationError) -> None:
    for detail in error.errors(include_url=False):
        variable = f"CHARLOOM_{detail['loc'][0]}".upper()
        print(f"service: {variable}: {detail['msg']}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
