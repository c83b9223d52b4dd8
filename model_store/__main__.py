"""`python -m model_store`: look at, verify and manage published models."""

import argparse
import io
import os
import sys
from collections.abc import Sequence

from model_store import commands
from model_store.aliases import PRODUCTION
from model_store.bundle import BUNDLED
from model_store.errors import StoreError
from model_store.output import discard_output

INTERRUPTED = 130  # the exit status that shells give a command ended by Ctrl-C
_REFERENCE = "NAME, NAME@VERSION or NAME@ALIAS"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status; an error is one line and status 2."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A character that the terminal cannot show must not end a command.
            stream.reconfigure(errors="replace")
    options = make_parser().parse_args(arguments)
    try:
        status: int = options.run(commands.Stores.at(options.store), options)
        sys.stdout.flush()
    except BrokenPipeError:
        return discard_output()
    except (StoreError, OSError) as error:
        print(f"model_store: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nmodel_store: interrupted", file=sys.stderr)  # below the terminal's ^C
        return INTERRUPTED
    return status


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    parser = argparse.ArgumentParser(prog="python -m model_store", description=__doc__)
    parser.add_argument(
        "--store",
        metavar="PLACE",
        default=os.environ.get("CHARLOOM_STORE") or "models",
        help="the store's folder or s3://bucket/prefix (default: $CHARLOOM_STORE, or models)",
    )
    add = parser.add_subparsers(required=True, metavar="COMMAND").add_parser

    listing = add("list", help="all models and versions")
    listing.set_defaults(run=commands.list_versions)

    show = add("show", help="print the manifest of a version")
    show.add_argument("reference", metavar="REF", help=_REFERENCE)
    show.set_defaults(run=commands.show)

    verify = add("verify", help="compare files with their SHA-256")
    verify.add_argument("reference", metavar="REF", nargs="?", help=f"{_REFERENCE} (default: all)")
    verify.set_defaults(run=commands.verify)

    alias = add("alias", help="point an alias at a version")
    alias.add_argument("name", metavar="NAME")
    alias.add_argument("alias", metavar="ALIAS")
    alias.add_argument("version", metavar="VERSION", type=int)
    alias.set_defaults(run=commands.set_alias)

    rollback = add("rollback", help="point an alias back at the version before")
    rollback.add_argument("name", metavar="NAME")
    rollback.add_argument("alias", metavar="ALIAS", nargs="?", default=PRODUCTION)
    rollback.set_defaults(run=commands.rollback)

    bundle = add("bundle", help="copy what serving needs of a version into another store")
    bundle.add_argument("reference", metavar="REF", help=_REFERENCE)
    bundle.add_argument("--to", metavar="PLACE", default=str(BUNDLED))
    bundle.set_defaults(run=commands.bundle_version)
    return parser


if __name__ == "__main__":
    sys.exit(main())
