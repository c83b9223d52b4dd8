"""Scores as a request means them, and as an answer shows them."""

from collections.abc import Iterable
from math import exp, fsum, log
from typing import Any

from model_store import UNKNOWN
from service.api.many.score_schemas import Score, ScoreRequest, ScoreResponse, TextScore
from service.api.resolve import over_limit, readable
from service.errors import FieldProblem, InvalidRequest
from service.generation.scores import Given
from service.models.loading import LoadedModel
from service.settings import Settings
from service.stream.details import DIGITS, Details


def resolve_score(request: ScoreRequest, model: LoadedModel, settings: Settings) -> list[Given]:
    """Return the texts that a request means for a model, each after its prompt.

    Raises:
        InvalidRequest: a limit of this service or the model's vocabulary is exceeded.
    """
    context, problems = readable("context", request.context, request.unknown, model.vocabulary)
    problems += over_limit("context", len(context), settings.max_seed_chars)
    given = []
    for place, asked in enumerate(request.texts):
        field = f"texts.{place}"
        text, unknown = readable(field, asked, request.unknown, model.vocabulary)
        problems += [*unknown, *over_limit(field, len(text), settings.max_length)]
        problems += _nothing_scored(field, text)
        given.append(Given(model.prompt(context), text))
    if problems:
        raise InvalidRequest(problems)
    return given


def score_response(
    request: ScoreRequest, given: list[Given], details: Iterable[Details], model: LoadedModel
) -> ScoreResponse:
    """Return the answer for texts with the details of their characters; all details are read."""
    scores = [
        _text_score(text.text, each.logprobs.tolist(), shown=request.details)
        for text, each in zip(given, details, strict=True)
    ]
    return ScoreResponse(
        model=model.manifest.name,
        version=model.manifest.version,
        context=readable("context", request.context, request.unknown, model.vocabulary)[0],
        scores=scores,
        total=total_of(scores),
    )


def total_of(scores: Iterable[Score]) -> Score:
    """Return the score of all characters of several texts."""
    sums = [(each.characters, each.logprob) for each in scores]
    return Score(**_measures(sum(size for size, _ in sums), fsum(one for _, one in sums)))


def _nothing_scored(field: str, text: str) -> list[FieldProblem]:
    """Return the problem of a text without a character that counts, or nothing."""
    if text.strip(UNKNOWN):
        return []
    return [FieldProblem(field, "no character is left to score; leave this text out")]


def _text_score(text: str, logprobs: list[float], *, shown: bool) -> TextScore:
    """Return the score of a text; like a loss in training, the score leaves unknown symbols out."""
    pairs = zip(text, logprobs, strict=True)
    each = [None if character == UNKNOWN else logprob for character, logprob in pairs]
    counted = [logprob for logprob in each if logprob is not None]
    score = TextScore(**_measures(len(counted), fsum(counted)))
    if shown:
        score.text = text
        score.logprobs = [None if one is None else round(one, DIGITS) for one in each]
    return score


def _measures(characters: int, logprob: float) -> dict[str, Any]:
    """Return the fields of a score; `logprob` is the sum over the characters."""
    nats = -logprob / characters
    values = {"logprob": logprob, "nats": nats, "bits": nats / log(2), "perplexity": exp(nats)}
    return {"characters": characters} | {k: round(value, DIGITS) for k, value in values.items()}
