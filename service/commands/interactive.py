"""The choice among the likeliest continuations, at a terminal."""

import io
import sys
from dataclasses import dataclass
from math import exp

from service.api.likely import likely_characters
from service.api.resolve import resolve
from service.api.schemas import GenerateRequest
from service.commands.failures import with_flags
from service.commands.local import Local
from service.errors import FieldProblem, InvalidRequest
from service.generation.generator import Caller
from service.generation.scores import Given
from service.models.loading import LoadedModel

LONGEST = 20  # characters of a continuation
WORD_ENDS = [" ", "\n"]
HELP = "A number takes a continuation, Enter the first; other text is appended; Ctrl-D ends."
TEXT_ENDS = "(the text ends)"
NO_JSON = (
    "a chosen text has no random seed to write as JSON; give a name that does not end with .jsonl"
)
# Every other option is about characters that are drawn at random.
OPTIONS = {"seed", "model", "unknown"}


@dataclass(frozen=True)
class Continuation:
    """A likely next character, with the likeliest end of its word."""

    probability: float
    """The probability of the next character."""
    characters: str
    """In a model of many short texts, the end of the text is a character, and stands alone."""


def check_interactive(request: GenerateRequest, *, as_json: bool) -> None:
    """Raise `InvalidRequest`, with each option that has no meaning where the user chooses."""
    problems = [
        FieldProblem(field, "does not go with --interactive; leave the option out")
        for field in GenerateRequest.model_fields
        if field in request.model_fields_set - OPTIONS
    ]
    if as_json:
        problems.append(FieldProblem("output", NO_JSON))
    if problems:
        raise InvalidRequest(problems)


def interact(request: GenerateRequest, local: Local) -> str:
    """Show the likeliest continuations of the text, append the chosen one, and return the text at its end.

    The text ends with Ctrl-D, or with the end of a text in a model of many short texts.
    """
    if isinstance(sys.stdin, io.TextIOWrapper):
        # A byte that is no character is refused like a character that the model does not know.
        sys.stdin.reconfigure(errors="surrogateescape")
    model = local.models.get(request.model)
    text = resolve(request, model, local.settings).seed
    print(HELP)
    while True:
        found = _continuations(text, model, local)
        _show(text, found, model.text_end)
        try:
            chosen = _chosen(input("> "), found)
        except EOFError:
            print()
            return text
        if chosen == model.text_end:
            return text
        addition = request.model_copy(update={"seed": chosen})
        try:
            text += resolve(addition, model, local.settings).seed
        except InvalidRequest as error:
            print(*(with_flags(problem.message) for problem in error.problems), sep="\n")


def _continuations(text: str, model: LoadedModel, local: Local) -> list[Continuation]:
    """Return the likeliest next characters, each with the likeliest end of its word."""
    before = text[-local.settings.max_seed_chars :]
    # The details of a given character name the likeliest characters in its place.
    given = Given(model.prompt(before), model.vocabulary.symbols[0])
    (details,) = local.scorer.details([given], model, Caller())
    (likely,) = likely_characters(details, model.vocabulary)
    return [
        Continuation(exp(each.logprob), each.character + _rest(text + each.character, model, local))
        for each in likely
    ]


def _rest(text: str, model: LoadedModel, local: Local) -> str:
    """Return the likeliest end of a text's last word, possibly nothing."""
    if text[-1] in WORD_ENDS:
        return ""
    settings = local.settings
    wanted = GenerateRequest(
        seed=text[-settings.max_seed_chars :],
        temperature=0,
        length=min(LONGEST, settings.max_length),
        stop=WORD_ENDS,
    )
    answer = local.generator.open(resolve(wanted, model, settings), model, Caller())
    return "".join(piece.characters for piece in answer.pieces)


def _show(text: str, found: list[Continuation], text_end: str | None) -> None:
    print(f"\n{text}")
    for number, each in enumerate(found, 1):
        shown = TEXT_ENDS if each.characters == text_end else repr(each.characters)
        print(f"  {number}  {each.probability:4.0%}  {shown}")


def _chosen(answer: str, found: list[Continuation]) -> str:
    """Return what an answer appends: the continuation of a number, the first for none, or the answer."""
    choices = {str(number): each.characters for number, each in enumerate(found, 1)}
    return {"": found[0].characters, **choices}.get(answer, answer)
