"""The errors of a command, with the names of the command line."""

import re
import sys
from collections.abc import Callable, Mapping

from model_store import StoreError, discard_output
from service.errors import InvalidRequest, ServiceError

# A member of a JSON object in a message, such as `"unknown": "drop"`.
MEMBER = re.compile(r'"(\w+)": "?(\w+)"?')


def status_of(work: Callable[[], None], arguments: Mapping[str, str]) -> int:
    """Do the work of a command and return its exit status.

    An error is one line on stderr for each problem, and status 2. Output that nobody reads any more, as after
    `| head`, is no error. `arguments` has the names of the
    fields that are no flags.
    """
    try:
        work()
        sys.stdout.flush()
    except InvalidRequest as error:
        for problem in error.problems:
            name = _name(problem.field.split(".")[0], arguments)
            print(f"service: {name}{with_flags(problem.message)}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        return discard_output()
    except (ServiceError, StoreError, OSError, UnicodeDecodeError) as error:
        print(f"service: {error}", file=sys.stderr)
        return 2
    return 0


def _name(field: str, arguments: Mapping[str, str]) -> str:
    """Return the beginning of a message: the name of a field; nothing for the request as a whole."""
    if field == "body":
        return ""
    name = arguments.get(field) or "--" + field.replace("_", "-")
    return f"{name}: "


def with_flags(message: str) -> str:
    """Return a message with the flags of the command line in place of members of a JSON object."""
    return MEMBER.sub(lambda member: f"--{member[1].replace('_', '-')} {member[2]}", message)
