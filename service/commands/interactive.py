"""The choice among the likeliest continuations, at a terminal."""

from math import exp

from service.api.likely import likely_characters
from service.api.resolve import resolve
from service.api.schemas import GenerateRequest
from service.commands.local import Local
from service.generation.generator import Caller
from service.models.loading import LoadedModel
from service.stream.text import Text

LONGEST = 20  # characters of a continuation
WORD_ENDS = [" ", "\n"]
HELP = "A number takes a continuation, Enter the first; other text is appended; Ctrl-D ends."


def interact(request: GenerateRequest, local: Local) -> None:
    """Show the likeliest continuations of the text, append the chosen one, and go on until Ctrl-D."""
    model = local.models.get(request.model)
    text = resolve(request, model, local.settings).seed
    print(HELP)
    while True:
        found = _continuations(text, request, model, local)
        print(f"\n{text}")
        for number, (probability, continuation) in enumerate(found, 1):
            print(f"  {number}  {probability:4.0%}  {continuation!r}")
        try:
            answer = input("> ")
        except EOFError:
            print(f"\n{text}")
            return
        text += _chosen(answer, [continuation for _, continuation in found])


def _continuations(
    text: str, request: GenerateRequest, model: LoadedModel, local: Local
) -> list[tuple[float, str]]:
    """Return the likeliest next characters with their probabilities, each with the likeliest end of its word."""
    following = _likeliest(text, 1, [], request, model, local)
    assert following.details is not None
    (likely,) = likely_characters(following.details, model.vocabulary)
    return [
        (exp(each.logprob), each.character + _rest(text + each.character, request, model, local))
        for each in likely
    ]


def _rest(text: str, request: GenerateRequest, model: LoadedModel, local: Local) -> str:
    if text[-1] in WORD_ENDS:
        return ""
    return _likeliest(text, LONGEST, WORD_ENDS, request, model, local).characters


def _likeliest(
    text: str,
    length: int,
    stop: list[str],
    request: GenerateRequest,
    model: LoadedModel,
    local: Local,
) -> Text:
    """Return the text that temperature 0 gives after a text."""
    wanted = GenerateRequest(
        seed=text[-local.settings.max_seed_chars :],
        temperature=0,
        length=length,
        stop=stop,
        details=True,
        unknown=request.unknown,
    )
    generation = resolve(wanted, model, local.settings)
    pieces = list(local.generator.open(generation, model, Caller()).pieces)
    return sum(pieces[1:], start=pieces[0])


def _chosen(answer: str, continuations: list[str]) -> str:
    """Return what an answer appends: the continuation of a number, the first for none, or the answer."""
    if not answer:
        return continuations[0]
    if answer.isdecimal() and 1 <= int(answer) <= len(continuations):
        return continuations[int(answer) - 1]
    return answer
