"""The command line of `python -m training`."""

import argparse
import os
from pathlib import Path


def parse(words: list[str]) -> argparse.Namespace:
    """Return what the words of the command line ask for; exit with status 2 where they are wrong."""
    parser = argparse.ArgumentParser(
        prog="python -m training",
        description="One command from a corpus to a published version.",
        epilog="`python -m training compare MODEL MODEL …` shows versions side by side; "
        "`python -m training requantise MODEL` publishes an early version anew, safe on every processor.",
    )
    parser.add_argument(
        "--corpus",
        action="extend",
        nargs="+",
        required=True,
        help="files, folders of files *.txt, URLs, shakespeare or faust: read in this order",
    )
    parser.add_argument("--name", required=True, help="the model's name in the store")
    parser.add_argument("--config", type=Path, help="a TOML file of configuration keys")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="override one key"
    )
    parser.add_argument(
        "--min-count",
        metavar="N",
        help="make symbols that occur fewer times one unknown symbol, which is never written",
    )
    parser.add_argument(
        "--from",
        dest="parent",
        metavar="MODEL",
        help="start from a version's weights: name, name@version or name@alias",
    )
    parser.add_argument(
        "--unknown",
        choices=["error", "drop"],
        help="what to do with symbols that version lacks (default: error)",
    )
    add_corpora_dir(parser)
    add_store(parser)
    parser.add_argument(
        "--runs",
        type=Path,
        default=Path(os.environ.get("CHARLOOM_RUNS") or "runs"),
        help="where runs are kept (default: CHARLOOM_RUNS or ./runs)",
    )
    parser.add_argument(
        "--promote",
        choices=["always", "if-better", "never"],
        default="if-better",
        help="when the alias production moves to the new version (default: if-better)",
    )
    parser.add_argument(
        "--fresh", action="store_true", help="give up the unfinished run of that name, if any"
    )
    parser.add_argument(
        "--publish-only",
        action="store_true",
        help="publish the best weights of an interrupted run instead of training",
    )
    return parser.parse_args(words)


def add_store(parser: argparse.ArgumentParser) -> None:
    """Add the option --store."""
    parser.add_argument(
        "--store",
        metavar="PLACE",
        default=os.environ.get("CHARLOOM_STORE") or "models",
        help="the model store, a folder or s3://bucket/prefix (default: CHARLOOM_STORE or models)",
    )


def add_corpora_dir(parser: argparse.ArgumentParser) -> None:
    """Add the option --corpora-dir."""
    parser.add_argument("--corpora-dir", type=Path, help="a folder to look for corpora in first")
