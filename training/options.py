"""The command lines of `python -m training`, into typed options and back into words.

This module imports nothing heavy, so that `--help` answers at once.
"""

import argparse
import os
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from training.suited import table as suited_table

Promote = Literal["always", "if-better", "never"]

REFERENCE = "NAME, NAME@VERSION or NAME@ALIAS"


@dataclass(frozen=True)
class TrainOptions:
    """The options of a training, and of `--publish-only`."""

    corpus: list[str]
    name: str
    config: Path | None
    settings: list[str]
    texts: str | None
    min_count: str | None
    parent: str | None
    teachers: list[str]
    unknown: str | None
    corpora_dir: Path | None
    store: str
    runs: Path
    promote: Promote
    fresh: bool
    publish_only: bool
    fp32: bool

    @property
    def overrides(self) -> list[str]:
        """The configuration keys of the command line as `key=value`; the last value of a key counts."""
        named = {"texts": self.texts, "min_count": self.min_count, "unknown": self.unknown}
        return self.settings + [
            f"{key}={value}" for key, value in named.items() if value is not None
        ]

    def publishing_command(self, *more: str) -> str:
        """Return the command line that publishes the best weights of this training's run."""
        words: list[object] = [word for source in self.corpus for word in ("--corpus", source)]
        words += ["--name", self.name, "--store", self.store]
        if self.corpora_dir:
            words += ["--corpora-dir", self.corpora_dir]
        words += ["--runs", self.runs, "--promote", self.promote, "--publish-only", *more]
        return command_line("training", words)


@dataclass(frozen=True)
class CompareOptions:
    """The options of `compare`."""

    references: list[str]
    store: str
    picture: Path | None


@dataclass(frozen=True)
class RequantiseOptions:
    """The options of `requantise`."""

    reference: str
    corpus: list[str]
    corpora_dir: Path | None
    store: str


Options = TrainOptions | CompareOptions | RequantiseOptions


def parse(words: list[str]) -> Options:
    """Return the options that a command line gives; exit with status 2 if the command line is wrong."""
    match words:
        case ["compare", *rest]:
            return CompareOptions(**vars(make_compare_parser().parse_args(rest)))
        case ["requantise", *rest]:
            return RequantiseOptions(**vars(make_requantise_parser().parse_args(rest)))
        case _:
            return TrainOptions(**vars(make_train_parser().parse_args(words)))


def command_line(package: str, words: list[object]) -> str:
    """Return a `python -m` command line that can be pasted into the shell that started this job."""
    return shlex.join([os.path.relpath(sys.executable), "-m", package, *map(str, words)])


def make_train_parser() -> argparse.ArgumentParser:
    """Return the parser of a training's options."""
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
        "--set",
        action="append",
        default=[],
        dest="settings",
        metavar="KEY=VALUE",
        help=f"override one key; the defaults of a text {suited_table()}",
    )
    parser.add_argument(
        "--texts",
        metavar="KIND",
        help="many short texts: lines, one a line; files, one a file; column:NAME, those of a column of "
        "CSV with a header, or of JSON lines (default: continuous, one text)",
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
        "--teacher",
        action="append",
        default=[],
        dest="teachers",
        metavar="MODEL",
        help="learn a version's probabilities too; several: the mean of their probabilities",
    )
    parser.add_argument(
        "--unknown",
        choices=["error", "drop"],
        help="what to do with symbols that version lacks (default: error)",
    )
    _add_corpora_dir(parser)
    _add_store(parser)
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
    parser.add_argument(
        "--fp32",
        action="store_true",
        help="publish no int8 graph: the fp32 graph is served, slower and not the same on every processor",
    )
    return parser


def make_compare_parser() -> argparse.ArgumentParser:
    """Return the parser of the options of `compare`."""
    parser = argparse.ArgumentParser(
        prog="python -m training compare",
        description="`python -m training compare NAME@1 NAME@2 …`: versions side by side.",
    )
    parser.add_argument("references", nargs="+", metavar="REF", help=REFERENCE)
    _add_store(parser)
    parser.add_argument("--picture", type=Path, metavar="FILE", help="draw the curves as a PNG")
    return parser


def make_requantise_parser() -> argparse.ArgumentParser:
    """Return the parser of the options of `requantise`."""
    parser = argparse.ArgumentParser(
        prog="python -m training requantise",
        description="Publish a version anew whose int8 graph gives the same texts on every processor.",
    )
    parser.add_argument("reference", metavar="MODEL", help=REFERENCE)
    parser.add_argument(
        "--corpus",
        nargs="+",
        default=[],
        help="the text of the version's training: measures the loss of the new graph",
    )
    _add_corpora_dir(parser)
    _add_store(parser)
    return parser


def _add_store(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--store",
        metavar="PLACE",
        default=os.environ.get("CHARLOOM_STORE") or "models",
        help="the model store, a folder or s3://bucket/prefix (default: CHARLOOM_STORE or models)",
    )


def _add_corpora_dir(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--corpora-dir", type=Path, help="a folder to look for corpora in first")
