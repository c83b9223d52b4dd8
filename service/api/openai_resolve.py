"""Resolving OpenAI's request: one generation for each text."""

import hashlib
import secrets
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from itertools import count

from model_store import Vocabulary
from service.api.openai_schemas import CompletionRequest
from service.api.resolve import resolve, within
from service.api.schemas import MAX_RANDOM_SEED, GenerateRequest
from service.errors import FieldProblem, InvalidRequest
from service.models.loading import LoadedModel
from service.settings import Settings
from service.stream.generation import Generation

FIELDS = {"seed": "prompt", "length": "max_tokens", "pattern": "structured_outputs.regex"}


def resolve_completion(
    request: CompletionRequest, model: LoadedModel, settings: Settings
) -> list[Generation]:
    """Return n generations for each prompt, prompt by prompt.

    Equal prompts continue one count, so that their texts differ like the n texts of one prompt.

    Raises:
        InvalidRequest: a limit of this service or the model's vocabulary is exceeded.
    """
    seed = secrets.randbelow(MAX_RANDOM_SEED + 1) if request.seed is None else request.seed
    numbers: defaultdict[str, Iterator[int]] = defaultdict(count)
    try:
        return [
            _resolved(request, prompt, _random_seed(seed, next(numbers[prompt])), model, settings)
            for prompt in request.prompt
            for _ in range(request.n)
        ]
    except InvalidRequest as error:
        raise InvalidRequest(
            [FieldProblem(FIELDS.get(p.field, p.field), p.message) for p in error.problems]
        ) from None


def _resolved(
    request: CompletionRequest, prompt: str, seed: int, model: LoadedModel, settings: Settings
) -> Generation:
    generation = resolve(_as_generate(request, prompt, seed, settings), model, settings)
    return _adjusted(generation, request, model)


def _random_seed(seed: int, number: int) -> int:
    """Return the random seed of a prompt's text; number 0 has the request's own."""
    if number == 0:
        return seed & MAX_RANDOM_SEED
    digest = hashlib.blake2b(f"{seed}/{number}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") & MAX_RANDOM_SEED


def _as_generate(
    request: CompletionRequest, prompt: str, random_seed: int, settings: Settings
) -> GenerateRequest:
    return GenerateRequest(
        seed=prompt,
        temperature=request.temperature,
        length=within(request, "max_tokens", settings.max_length),
        random_seed=random_seed,
        top_p=request.top_p,
        top_k=request.top_k,
        min_p=request.min_p,
        typical_p=request.typical_p,
        repetition_penalty=request.repetition_penalty,
        repetition_window=request.repetition_window,
        pattern=request.structured_outputs.regex if request.structured_outputs else None,
        stop=request.stop,
        details=request.logprobs is not None,
        unknown=request.unknown,
    )


def _adjusted(generation: Generation, request: CompletionRequest, model: LoadedModel) -> Generation:
    sampling = replace(
        generation.stream.sampling,
        presence_penalty=request.presence_penalty,
        frequency_penalty=request.frequency_penalty,
        logit_bias=_biases(request.logit_bias or {}, model.vocabulary),
    )
    return replace(generation, stream=replace(generation.stream, sampling=sampling))


def _biases(biases: dict[str, float], vocabulary: Vocabulary) -> tuple[tuple[int, float], ...]:
    unknown = [key for key in biases if len(key) != 1 or vocabulary.unknown(key)]
    if unknown:
        named = ", ".join(map(repr, unknown[:20]))
        message = f"a token is a character, and the model does not know {named}"
        raise InvalidRequest([FieldProblem("logit_bias", message)])
    return tuple(sorted((int(vocabulary.encode(key)[0]), value) for key, value in biases.items()))
