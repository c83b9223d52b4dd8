"""The command `charloom`: each of its commands is one of `python -m service`, `training` or `model_store`."""

import argparse
import runpy
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module


@dataclass(frozen=True)
class Command:
    """A command: the package that runs it, the words that come first, and the parser of the others."""

    package: str
    words: tuple[str, ...]
    parser: str | None
    """The module and the function that returns the parser; None for a command without options."""
    what: str


COMMANDS = {
    "serve": Command("service", ("serve",), None, "answer requests over HTTP"),
    "generate": Command(
        "service",
        ("generate",),
        "service.commands.generate:make_parser",
        "write texts without a server",
    ),
    "score": Command(
        "service", ("score",), "service.commands.score:make_parser", "show how likely a text is"
    ),
    "keys": Command("service", ("keys",), "service.commands.keys:make_parser", "make a key"),
    "train": Command(
        "training", (), "training.options:make_train_parser", "learn a text and publish the model"
    ),
    "compare": Command(
        "training",
        ("compare",),
        "training.options:make_compare_parser",
        "show versions side by side",
    ),
    "requantise": Command(
        "training",
        ("requantise",),
        "training.options:make_requantise_parser",
        "publish an early version anew",
    ),
    "models": Command(
        "model_store",
        (),
        "model_store.__main__:make_parser",
        "list, verify and manage published models",
    ),
}
SHELLS = ("bash", "zsh")
LINUX = "charloom runs on Linux alone; on macOS or Windows use the containers, or WSL 2 on Windows"
TRAINING = "training needs further packages: pip install 'charloom[training]'"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status, 2 for a wrong command or system."""
    if sys.platform != "linux":
        print(LINUX, file=sys.stderr)
        return 2
    name, *words = (sys.argv[1:] if arguments is None else arguments) or ["--help"]
    if name == "completion":
        print(_completion(words))
        return 0
    if name not in COMMANDS:
        _parser().parse_args([name])  # prints the help, or the error
    return _run(COMMANDS[name], words)


def _run(command: Command, words: Sequence[str]) -> int:
    sys.argv[1:] = [*command.words, *words]
    try:
        runpy.run_module(command.package, run_name="__main__", alter_sys=True)
    except ModuleNotFoundError as error:
        if command.package != "training":
            raise
        print(f"charloom: {TRAINING} ({error})", file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    """Return the parser of the commands' names."""
    parser = argparse.ArgumentParser("charloom", description="Text in the style of your corpus.")
    add = parser.add_subparsers(required=True, metavar="COMMAND").add_parser
    for name, command in COMMANDS.items():
        add(name, help=command.what)
    completion = add("completion", help="print what completes commands and options in a shell")
    completion.add_argument("shell", choices=SHELLS)
    return parser


def _completion(words: Sequence[str]) -> str:
    """Return the script that completes the commands in a shell."""
    shell = _parser().parse_args(["completion", *words]).shell
    import shtab  # noqa: PLC0415 - only this command needs the library

    whole = argparse.ArgumentParser("charloom")
    add = whole.add_subparsers().add_parser
    for name, command in COMMANDS.items():
        parents = [_parser_of(command.parser)] if command.parser else []
        add(name, help=command.what, parents=parents, add_help=not parents)
    add("completion", help="complete commands in a shell").add_argument("shell", choices=SHELLS)
    return str(shtab.complete(whole, shell))


def _parser_of(path: str) -> argparse.ArgumentParser:
    module, _, function = path.partition(":")
    parser: argparse.ArgumentParser = getattr(import_module(module), function)()
    return parser


if __name__ == "__main__":
    sys.exit(main())
