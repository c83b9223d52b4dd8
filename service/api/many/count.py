"""Many texts of one seed text: the schema of the answer, and the meaning of a request for them."""

from pydantic import BaseModel, Field

from service.api.random_seeds import random_seed_of, with_random_seed
from service.api.resolve import resolve, too_much_together
from service.api.schemas import GenerateRequest
from service.errors import FieldProblem, InvalidRequest
from service.generation.many import Drawn, Dropped, Wanted
from service.models.loading import LoadedModel
from service.settings import Settings
from service.stream.generation import FinishReason, Generation

NO_LIST = "the version has no list of its corpus's texts; train it with --texts"


class OneText(BaseModel):
    """One of many texts; `random_seed` alone gives the same text."""

    text: str
    random_seed: int
    finish_reason: FinishReason


class DroppedTexts(BaseModel):
    """How many texts were drawn and dropped."""

    repeated: int = Field(description="Repeats and empty texts, where `distinct` drops them.")
    known: int = Field(
        description="Texts of the training corpus and empty texts, where `novel` drops them."
    )


class ManyResponse(BaseModel):
    """The answer of `POST /generate` with a `count`; it has fewer texts where too many were dropped."""

    model: str
    version: int
    seed: str
    temperature: float
    random_seed: int
    texts: list[OneText]
    dropped: DroppedTexts


def resolve_many(
    request: GenerateRequest, model: LoadedModel, settings: Settings
) -> tuple[Generation, Wanted]:
    """Return the generation of text 0, and which texts are wanted.

    Raises:
        InvalidRequest: a limit of this service or the model's vocabulary is exceeded, or a field
            does not go with `count`.
    """
    first, count = resolve(request, model, settings), request.count or 0
    problems = [
        FieldProblem(field, "does not go with count; leave it out, or send lines to POST /batch")
        for field in ("stream", "details")
        if getattr(request, field)
    ]
    problems += too_much_together("count", count * (len(first.seed) + first.length))
    if request.novel and model.known_texts is None:
        problems.append(FieldProblem("novel", NO_LIST))
    if problems:
        raise InvalidRequest(problems)
    known = model.known_texts if request.novel else None

    def is_known(text: str) -> bool:
        whole = first.seed + text
        return known is not None and (not whole or known.contains(whole))

    return first, Wanted(
        count,
        request.distinct,
        is_known if request.novel else None,
        # Without a character there is no text, so that an empty line of a file is no name.
        seen=frozenset() if first.seed else frozenset({""}),
    )


def numbered(first: Generation, number: int) -> Generation:
    """Return the generation of a text by its number; see `random_seed_of`."""
    return with_random_seed(first, random_seed_of(first.stream.sampling.random_seed, number))


def many_response(
    first: Generation, model: LoadedModel, texts: list[Drawn], dropped: Dropped
) -> ManyResponse:
    """Return the answer with the texts that were kept."""
    sampling = first.stream.sampling
    return ManyResponse(
        model=model.manifest.name,
        version=model.manifest.version,
        seed=first.seed,
        temperature=sampling.temperature,
        random_seed=sampling.random_seed,
        texts=[OneText(**vars(each)) for each in texts],
        dropped=DroppedTexts(**vars(dropped)),
    )
