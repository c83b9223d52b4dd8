"""`python -m service [COMMAND]`: runs one command; a wrong setting is one line on stderr."""

import io
import os
import signal
import sys
from collections.abc import Iterable
from importlib import import_module

from pydantic import ValidationError

from service.environment import problems, settings_at_start, unknown_variables

# A command is the module `service/commands/<name>.py`, which only a run of the command imports.
COMMANDS = {
    "serve": "answer requests over HTTP (the default command)",
    "keys": "make a key: keys new NAME",
    "generate": "write text to the terminal, or many texts to a file",
    "score": "show how likely a model finds a text: score FILE",
}


def main() -> int:
    """Run one command and return its exit status, 2 for a wrong command or setting."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A character that the terminal cannot show must not end a command.
            stream.reconfigure(errors="replace")
    # Ctrl-C ends every command without a traceback; gunicorn sets its own handler.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    name, *arguments = sys.argv[1:] or ["serve"]
    if name in ("-h", "--help"):
        print(_usage())
        return 0
    if name not in COMMANDS:
        print(f"service: there is no command {name!r}\n{_usage()}", file=sys.stderr)
        return 2
    _say(f"there is no setting {unknown}" for unknown in unknown_variables())
    try:
        settings_at_start()
    except ValidationError as error:
        _say(problems(error))
        return 2
    # gunicorn fails at its import where this is no number, and `CHARLOOM_WORKERS` says the number here.
    os.environ.pop("WEB_CONCURRENCY", None)
    status: int = import_module(f"service.commands.{name}").main(arguments)
    return status


def _usage() -> str:
    lines = [f"  {name:9} {what}" for name, what in COMMANDS.items()]
    return "\n".join(["usage: python -m service [COMMAND] [OPTION …]", *lines])


def _say(lines: Iterable[str]) -> None:
    for line in lines:
        print(f"service: {line}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
