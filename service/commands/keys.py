"""`python -m service keys new NAME`: makes a key."""

import argparse
from collections.abc import Sequence

from service.keys import NAME, hash_of, new_key


def main(arguments: Sequence[str]) -> int:
    """Print a fresh key and the line of the keys file that admits the key."""
    name = make_parser().parse_args(arguments).name
    key = new_key()
    print(f"The key, shown only now:      {key}")
    print(f"The line for the keys file:   {name}:{hash_of(key)}")
    return 0


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the actions."""
    parser = argparse.ArgumentParser("python -m service keys", description=main.__doc__)
    actions = parser.add_subparsers(required=True, metavar="new")
    new = actions.add_parser("new", help="make a key", description=main.__doc__)
    new.add_argument(
        "name", metavar="NAME", type=_name, help="the holder of the key, shown in logs"
    )
    return parser


def _name(given: str) -> str:
    if not NAME.fullmatch(given):
        raise argparse.ArgumentTypeError(
            f"{given!r} is no name: use up to 64 letters, digits, '_', '.' and '-'"
        )
    return given
