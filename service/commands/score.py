"""`python -m service score`: shows how likely a model finds a text, without a server."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from service.api.many.score_schemas import MAX_TEXTS, Score, ScoreRequest, TextScore
from service.api.many.scores import resolve_score, score_response, total_of
from service.api.parsing import parse_options
from service.commands.failures import status_of
from service.commands.local import Local, local_engine
from service.errors import FieldProblem, InvalidRequest
from service.generation.generator import Caller
from service.generation.parallel import MOST
from service.settings import DAY, MILLION, Settings

COLUMNS = "perplexity     bits     nats  characters  text"
DESCRIPTION = "Show how likely a model finds a text; an error is one line."
MARK = "\ufeff"  # the byte order mark, which editors on Windows write
SHOWN = 50  # characters of a text


def main(arguments: Sequence[str]) -> int:
    """Show how likely a model finds a text, and return the exit status.

    An error is one line on stderr, and status 2.
    """
    options = vars(make_parser().parse_args(arguments))
    return status_of(lambda: _score(**options), {"texts": "FILE"})


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the options."""
    parser = argparse.ArgumentParser("python -m service score", description=DESCRIPTION)
    parser.add_argument("file", metavar="FILE", help="the text in UTF-8; - reads standard input")
    parser.add_argument(
        "--lines",
        action="store_true",
        help="score each line that is not empty as a text of its own",
    )
    parser.add_argument("--context", default="", help="what the model reads before each text")
    parser.add_argument(
        "--unknown",
        choices=["error", "drop"],
        default="error",
        help="refuse or drop characters that the model does not know",
    )
    parser.add_argument(
        "--model", action="append", help="name, name@version or name@alias; may be repeated"
    )
    return parser


def _score(file: str, model: list[str] | None, *, lines: bool, **fields: str) -> None:
    text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    text = text.removeprefix(MARK)
    texts = _lines(text) if lines else {"": text}
    with local_engine(Settings(queue=MOST, deadline=DAY, max_length=MILLION)) as local:
        print(COLUMNS)
        for name in model or [local.settings.model]:
            scores = []
            for score, begin in _scores(texts, fields, name, local):
                scores.append(score)
                if lines:
                    print(_row(score, begin))
            print(_row(total_of(scores), f"({name})"))


def _lines(text: str) -> dict[str, str]:
    """Return the lines that are not empty, by their place, which begins the message of a wrong one."""
    lines = {f"line {number}: ": line for number, line in enumerate(text.split("\n"), 1) if line}
    if not lines:
        raise InvalidRequest([FieldProblem("texts", "every line is empty; give a text to score")])
    return lines


def _scores(
    texts: dict[str, str], fields: dict[str, str], name: str, local: Local
) -> Iterator[tuple[TextScore, str]]:
    """Yield the score and the beginning of each text, scored as many at a time as a request may have."""
    model, places = local.models.get(name), list(texts)
    for first in range(0, len(places), MAX_TEXTS):
        batch = places[first : first + MAX_TEXTS]
        try:
            some = [texts[place] for place in batch]
            request = parse_options(ScoreRequest, {"texts": some, **fields})
            given = resolve_score(request, model, local.settings)
        except InvalidRequest as error:
            error.problems = tuple(_placed(problem, batch) for problem in error.problems)
            raise
        details = local.scorer.details(given, model, Caller())
        answer = score_response(request, given, details, model)
        yield from zip(answer.scores, (text.text[:SHOWN] for text in given), strict=True)


def _placed(problem: FieldProblem, places: list[str]) -> FieldProblem:
    """Return the problem of a text with the place of the text in the file."""
    field, _, index = problem.field.partition(".")
    return FieldProblem(field, f"{places[int(index)]}{problem.message}") if index else problem


def _row(score: Score, text: str) -> str:
    return f"{score.perplexity:10.4f} {score.bits:8.4f} {score.nats:8.4f} {score.characters:11}  {text}"
