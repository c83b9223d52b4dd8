"""Resolving a request to a generation: every default is decided, every limit is checked."""

import secrets
import unicodedata
from dataclasses import replace

from pydantic import BaseModel

from model_store import Vocabulary
from service.api.parameters import Unknown
from service.api.patterns import resolve_pattern
from service.api.schemas import MAX_RANDOM_SEED, GenerateRequest
from service.errors import FieldProblem, InvalidRequest
from service.models.loading import LoadedModel
from service.settings import Settings
from service.stream.generation import REPETITION_WINDOW, Generation, Pattern, Sampling, Stream

MAX_TOGETHER = 1_000_000  # characters to read and to write in one request for many texts


def resolve(request: GenerateRequest, model: LoadedModel, settings: Settings) -> Generation:
    """Return the generation that a request means for a model.

    Raises:
        InvalidRequest: a limit of this service or the model's vocabulary is exceeded, or no text can
            match the pattern.
    """
    seed, unknown = readable("seed", request.seed, request.unknown, model.vocabulary)
    length = within(request, "length", settings.max_length)
    problems = [
        *unknown,
        *over_limit("seed", len(seed), settings.max_seed_chars),
        *over_limit("length", length, settings.max_length),
    ]
    if problems:
        raise InvalidRequest(problems)
    sampling, automaton = _sampling(request, model.vocabulary), None
    if request.pattern is not None:
        expression = unicodedata.normalize("NFC", request.pattern)
        automaton, length = resolve_pattern(expression, model, length)
        sampling = replace(sampling, pattern=Pattern(expression, length))
    return Generation(
        Stream(model.identity, model.prompt(seed), sampling),
        seed=seed,
        length=length,
        stop=tuple(unicodedata.normalize("NFC", string) for string in request.stop),
        end=model.text_end,
        wants_details=request.details,
        automaton=automaton,
    )


def within(request: BaseModel, field: str, limit: int) -> int:
    """Return a number of a request; a default above a limit of this service becomes the limit."""
    number: int = getattr(request, field)
    return number if field in request.model_fields_set else min(number, limit)


def _sampling(request: GenerateRequest, vocabulary: Vocabulary) -> Sampling:
    """Return equal sampling for equal distributions, so that equal requests share a cached stream."""
    random_seed = request.random_seed
    if random_seed is None:
        random_seed = secrets.randbelow(MAX_RANDOM_SEED + 1)
    top_k, top_p, typical_p = request.top_k, request.top_p, request.typical_p
    window = request.repetition_window
    return Sampling(
        temperature=request.temperature,
        top_k=top_k if top_k and top_k < len(vocabulary) else None,
        top_p=top_p if top_p and top_p < 1 else None,
        random_seed=random_seed,
        min_p=request.min_p or None,
        typical_p=typical_p if typical_p and typical_p < 1 else None,
        repetition_penalty=request.repetition_penalty,
        repetition_window=window if request.repetition_penalty != 1 else REPETITION_WINDOW,
    )


def readable(
    field: str, text: str, unknown: Unknown, vocabulary: Vocabulary
) -> tuple[str, list[FieldProblem]]:
    """Return a text in the form NFC, and the problem of its unknown characters, or nothing.

    With `unknown` "drop" the text lacks these characters, which are no problem then.
    """
    text = unicodedata.normalize("NFC", text)
    if unknown == "drop":
        return vocabulary.drop_unknown(text), []
    lacking = vocabulary.unknown(text)
    if not lacking:
        return text, []
    named = ", ".join(map(repr, lacking[:20])) + (" …" if len(lacking) > 20 else "")
    message = f'the model does not know {named}; send "unknown": "drop" to omit them'
    return text, [FieldProblem(field, message)]


def characters_of(field: str, ids: list[int], vocabulary: Vocabulary) -> str:
    """Return the text of token ids; the id of a character is its place in the vocabulary.

    Raises:
        InvalidRequest: an id is outside the vocabulary.
    """
    if ids and max(ids) >= len(vocabulary):
        message = f"the model's token ids are 0 to {len(vocabulary) - 1}"
        raise InvalidRequest([FieldProblem(field, f"{message}; `POST /tokenize` gives them")])
    return vocabulary.decode(ids)


def too_much_together(field: str, characters: int) -> list[FieldProblem]:
    """Return the problem of many texts that are too long together, or nothing."""
    if characters <= MAX_TOGETHER:
        return []
    message = f"{characters} characters to read and write are over the limit of {MAX_TOGETHER}"
    return [FieldProblem(field, f"{message}; ask for fewer or shorter texts")]


def over_limit(field: str, size: int, limit: int) -> list[FieldProblem]:
    """Return the problem of a text or a length that is too large, or nothing."""
    return [FieldProblem(field, f"{size} is over the limit of {limit}")] if size > limit else []
