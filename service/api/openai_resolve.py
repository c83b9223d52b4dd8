"""Resolving OpenAI's request: one generation for each text."""

import secrets
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from itertools import count

from model_store import Vocabulary
from service.api.openai_schemas import CompletionRequest
from service.api.random_seeds import random_seed_of, with_random_seed
from service.api.resolve import characters_of, resolve, too_much_together, within
from service.api.schemas import MAX_RANDOM_SEED, GenerateRequest
from service.errors import FieldProblem, InvalidRequest
from service.generation.scores import Given
from service.models.loading import LoadedModel
from service.settings import Settings
from service.stream.generation import Generation

MAX_EXPLAINED = 200_000  # characters with log-probabilities in an answer of several texts
FIELDS = {"seed": "prompt", "length": "max_tokens", "pattern": "structured_outputs.regex"}


def resolve_completion(
    request: CompletionRequest, model: LoadedModel, settings: Settings
) -> list[Generation]:
    """Return the generations for each prompt, prompt by prompt.

    Prompts that the model reads as the same text continue one count, so that their texts differ like
    the n texts of one prompt.

    Raises:
        InvalidRequest: a limit of this service or the model's vocabulary is exceeded.
    """
    seed = secrets.randbelow(MAX_RANDOM_SEED + 1) if request.seed is None else request.seed
    numbers: defaultdict[str, Iterator[int]] = defaultdict(count)
    prompts = [
        prompt if isinstance(prompt, str) else characters_of("prompt", prompt, model.vocabulary)
        for prompt in request.prompt
    ]
    try:
        firsts = [_resolved(request, prompt, model, settings) for prompt in prompts]
    except InvalidRequest as error:
        raise InvalidRequest(
            [FieldProblem(FIELDS.get(p.field, p.field), p.message) for p in error.problems]
        ) from None
    generations = [
        with_random_seed(first, random_seed_of(seed, next(numbers[first.seed])))
        for first in firsts
        for _ in range(request.drawn)
    ]
    _check_together(generations)
    return generations


def prompts_to_read(generations: list[Generation]) -> dict[str, Given]:
    """Return each prompt once, with its characters but the first, to be scored after the first."""
    return {
        each.seed: Given(each.stream.prompt[: 1 - len(each.seed)], each.seed[1:])
        for each in generations
        if len(each.seed) > 1
    }


def _check_together(generations: list[Generation]) -> None:
    """Refuse several texts that are too long together.

    Raises:
        InvalidRequest: the sum of all characters is over a limit.
    """
    if len(generations) == 1:
        return
    characters = sum(len(each.seed) + each.length for each in generations)
    problems = too_much_together("n", characters)
    if generations[0].wants_details and characters > MAX_EXPLAINED:
        message = f"{characters} characters with log-probabilities are over {MAX_EXPLAINED}"
        problems.append(FieldProblem("logprobs", f"{message}; ask for fewer or shorter texts"))
    if problems:
        raise InvalidRequest(problems)


def _resolved(
    request: CompletionRequest, prompt: str, model: LoadedModel, settings: Settings
) -> Generation:
    """Return the generation of a prompt's text, without the text's random seed."""
    generation = resolve(_as_generate(request, prompt, settings), model, settings)
    return _adjusted(generation, request, model)


def _as_generate(request: CompletionRequest, prompt: str, settings: Settings) -> GenerateRequest:
    # `POST /generate` has no text without characters: the fields are checked as for the longest text.
    length = within(request, "max_tokens", settings.max_length) or settings.max_length
    return GenerateRequest(
        seed=prompt,
        temperature=request.temperature,
        length=length,
        top_p=request.top_p,
        top_k=request.top_k if request.top_k and request.top_k > 0 else None,
        min_p=request.min_p,
        typical_p=request.typical_p,
        repetition_penalty=request.repetition_penalty,
        repetition_window=request.repetition_window,
        pattern=request.structured_outputs.regex if request.structured_outputs else None,
        stop=request.stop,
        details=request.logprobs is not None or request.drawn > request.n,
        unknown=request.unknown,
    )


def _adjusted(generation: Generation, request: CompletionRequest, model: LoadedModel) -> Generation:
    sampling = replace(
        generation.stream.sampling,
        presence_penalty=request.presence_penalty,
        frequency_penalty=request.frequency_penalty,
        logit_bias=_biases(request.logit_bias or {}, model.vocabulary),
    )
    stream = replace(generation.stream, sampling=sampling)
    return replace(generation, stream=stream, length=min(generation.length, request.max_tokens))


def _biases(biases: dict[str, float], vocabulary: Vocabulary) -> tuple[tuple[int, float], ...]:
    unknown = [key for key in biases if len(key) != 1 or vocabulary.unknown(key)]
    if unknown:
        named = ", ".join(map(repr, unknown[:20]))
        message = (
            f"a token is a character, and the model does not know {named}; leave these keys out"
        )
        raise InvalidRequest([FieldProblem("logit_bias", message)])
    return tuple(sorted((int(vocabulary.encode(key)[0]), value) for key, value in biases.items()))
