"""`python -m service [COMMAND]`: runs one command; a wrong setting is one line on stderr."""

import signal
import sys
from importlib import import_module

from pydantic import ValidationError

from service.settings import Settings

# A command is the module `service/commands/<name>.py`, which only a run of the command imports.
COMMANDS = {
    "serve": "answer requests over HTTP (the default command)",
    "keys": "make a key: keys new NAME",
    "generate": "write text to the terminal, character by character",
}


def main() -> int:
    """Run one command and return its exit status, 2 for a wrong command or setting."""
    # Ctrl-C ends every command without a traceback; gunicorn sets its own handler.
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
