"""`python -m service generate`: writes text to the terminal or a file, without a server."""

import argparse
import sys
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from pydantic.fields import FieldInfo

from service.api.many.count import OneText, numbered, resolve_many
from service.api.parsing import parse_options
from service.api.resolve import resolve
from service.api.schemas import GenerateRequest
from service.commands.failures import status_of
from service.commands.interactive import check_interactive, interact
from service.commands.local import Local, local_engine
from service.commands.progress import with_progress
from service.errors import FieldProblem, InvalidRequest
from service.generation.generator import Caller
from service.generation.many import Drawn, Dropped, draw_texts, kept_texts
from service.generation.parallel import MOST
from service.settings import Settings

TEXT = f"{GenerateRequest.model_fields['seed'].description} Without TEXT the seed text is empty."
OUTPUT = (
    "Write to this file: one text a line, with an empty line beside a text of several lines; "
    "or JSON with the random seeds, one text a line, if the name ends with .jsonl."
)
# The seed text is an argument without a name; the terminal always streams and shows text alone.
NOT_OPTIONS = {"seed", "stream", "details"}


def main(arguments: Sequence[str]) -> int:
    """Write the seed text and the generated text, and return the exit status.

    An error is one line on stderr for each wrong option, and status 2.
    """
    options = vars(make_parser().parse_args(arguments))
    return status_of(lambda: _generate(**options), {"seed": "TEXT"})


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the options."""
    parser = argparse.ArgumentParser(
        prog="python -m service generate",
        description="Write text to the terminal; the same options give the same text.",
        argument_default=argparse.SUPPRESS,
        allow_abbrev=False,
    )
    parser.add_argument("seed", metavar="TEXT", nargs="?", default="", help=TEXT)
    parser.add_argument("--output", metavar="FILE", help=OUTPUT)
    parser.add_argument(
        "--interactive", action="store_true", help="Choose among the likeliest continuations."
    )
    for name, field in GenerateRequest.model_fields.items():
        if name not in NOT_OPTIONS:
            flag = f"--{name.replace('_', '-')}"
            parser.add_argument(flag, dest=name, help=field.description, **_kind(name, field))
    return parser


def _kind(name: str, field: FieldInfo) -> dict[str, Any]:
    """Return how argparse takes an option: a switch, a list of values, or one value."""
    if field.annotation is bool:
        return {"action": "store_true"}
    return {"metavar": "…", "action": "append" if name == "stop" else "store"}


def _generate(output: str | None = None, *, interactive: bool = False, **options: object) -> None:
    as_json = (output or "").endswith(".jsonl")
    if as_json and not interactive:
        options = {"count": 1, **options}
    request = parse_options(GenerateRequest, options)
    if interactive:
        check_interactive(request, as_json=as_json)
    many = request.count is not None
    settings = Settings(slots=MOST if many else 1, queue=MOST)
    # The file is opened first: a file that cannot be written costs no text.
    with _destination(output) as file, local_engine(settings) as local:
        if interactive:
            print(interact(request, local), file=file)
        elif many:
            texts = _texts(request, local, as_json=as_json)
            for line in texts if as_json else _set_apart(texts):
                print(line, file=file)
        else:
            for piece in _pieces(request, local):
                print(piece, end="", file=file, flush=True)
            print(file=file)


@contextmanager
def _destination(output: str | None) -> Iterator[TextIO]:
    """Yield standard output, or a file that has its name once it is complete, and before `.part`.

    After an error, a file with texts stays as `.part`, and an empty one goes.
    """
    if output is None:
        yield sys.stdout
        return
    if Path(output).exists() and not Path(output).is_file():
        # The complete file would take the place of a device, and could not take that of a folder.
        raise InvalidRequest([FieldProblem("output", f"{output} is no regular file; name another")])
    part = Path(f"{output}.part")
    try:
        with part.open("w", encoding="utf-8") as file:
            yield file
        part.replace(output)
    finally:
        if part.exists() and not part.stat().st_size:
            part.unlink()


def _pieces(request: GenerateRequest, local: Local) -> Iterator[str]:
    model = local.models.get(request.model)
    generation = resolve(request, model, local.settings)
    yield generation.seed
    for piece in local.generator.open(generation, model, Caller(streaming=True)).pieces:
        yield piece.characters


def _set_apart(texts: Iterable[str]) -> Iterator[str]:
    """Yield the texts, and an empty one before and after a text of several lines."""
    before = ""
    for number, text in enumerate(texts):
        if number and "\n" in before + text:
            yield ""
        yield text
        before = text


def _texts(request: GenerateRequest, local: Local, *, as_json: bool) -> Iterator[str]:
    """Yield each of many texts with its seed text, or as JSON; say how many were dropped."""
    model = local.models.get(request.model)
    first, wanted = resolve_many(request, model, local.settings)

    def draw(numbers: range) -> Iterator[Drawn]:
        generations = (numbered(first, number) for number in numbers)
        abandoned = threading.Event()
        who = Caller(connected=lambda: not abandoned.is_set())
        return draw_texts(
            generations, lambda one: local.generator.open(one, model, who), who, MOST, abandoned
        )

    dropped, found = Dropped(), 0
    for each in with_progress(kept_texts(wanted, draw, dropped), wanted.count):
        found += 1
        yield OneText(**vars(each)).model_dump_json() if as_json else first.seed + each.text
    if dropped.repeated or dropped.known:
        print(f"dropped: {dropped.repeated} repeated, {dropped.known} known", file=sys.stderr)
    if found < wanted.count:
        print(f"only {found} of {wanted.count} texts were found", file=sys.stderr)
