"""The schemas of charloom's own routes, and the parsing of request bodies."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from model_store import Architecture, Corpus
from service.errors import FieldProblem, InvalidRequest, MalformedJson
from service.stream.generation import FinishReason

MAX_RANDOM_SEED = 2**63 - 1
MAX_STOP = 200  # characters


class GenerateRequest(BaseModel):
    """The body of `POST /generate`. Unknown fields are an error, and "0.5" is not a number."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    seed: str = Field(description="The text to go on from.")
    temperature: float = Field(
        1.0,
        ge=0,
        le=2,
        allow_inf_nan=False,
        description="0 always takes the likeliest character; higher values give wilder texts.",
    )
    length: int = Field(400, ge=1, description="Characters to generate.")
    random_seed: int | None = Field(
        0,
        ge=0,
        le=MAX_RANDOM_SEED,
        description="The same random seed gives the same text; in JSON, null draws a fresh one.",
    )
    top_k: int | None = Field(
        None, ge=1, description="Draw from this many of the likeliest characters."
    )
    top_p: float | None = Field(
        None,
        gt=0,
        le=1,
        allow_inf_nan=False,
        description="Draw from the likeliest characters that together have this probability.",
    )
    stop: list[Annotated[str, Field(min_length=1, max_length=MAX_STOP)]] = Field(
        [], max_length=4, description="The text ends before the first of these."
    )
    stream: bool = Field(False, description="Answer with server-sent events, as text is made.")
    details: bool = Field(
        False, description="Explain each character: log-probabilities, before temperature."
    )
    unknown: Literal["error", "drop"] = Field(
        "error", description="Refuse or drop seed characters that the model does not know."
    )
    model: str | None = Field(
        None, description="name, name@version or name@alias; without it, the default model."
    )


class Likely(BaseModel):
    """A character and the natural logarithm of its probability."""

    character: str
    logprob: float


class CharacterDetails(Likely):
    """A generated character and the likeliest ones in its place, before temperature and top_k."""

    top: list[Likely]


class GenerateSummary(BaseModel):
    """The parameters of a text, and its finish reason."""

    model: str
    version: int
    seed: str
    temperature: float
    random_seed: int
    finish_reason: FinishReason
    cached: bool


class GenerateResponse(GenerateSummary):
    """The answer of `POST /generate`; `text` does not repeat the seed text."""

    text: str
    details: list[CharacterDetails] | None = None


class VersionSummary(BaseModel):
    """One version of a model."""

    version: int
    created: AwareDatetime
    digest: str
    architecture: Architecture
    vocabulary_size: int
    corpus: Corpus
    metrics: dict[str, float]


class CurrentVersion(VersionSummary):
    """The version that a model's name means, with what belongs to the name."""

    name: str
    aliases: dict[str, int]
    exact: bool | None = Field(
        description="Whether the model computes the same numbers here as on the machine of its training; "
        "null: the version has no fingerprint, or is not loaded."
    )


class ModelSummary(CurrentVersion):
    """A model, described by the version that its name means."""

    versions: list[int]


class ModelFault(BaseModel):
    """A model, version or alias that cannot be used."""

    model: str = Field(description="name, name@version or name@alias.")
    problem: str = Field(description="What is wrong, and the remedy.")


class ModelList(BaseModel):
    """The answer of `GET /models`."""

    models: list[ModelSummary]
    faults: list[ModelFault]


class ModelPage(CurrentVersion):
    """The answer of `GET /models/<name>`: the model with all its versions."""

    versions: list[VersionSummary]
    faults: list[ModelFault]
    card: str | None = None
    samples: str | None = None


class Health(BaseModel):
    """The answer of `GET /healthz` and `/readyz`."""

    status: Literal["alive", "ready", "not ready"]
    problems: list[str] | None = Field(
        None, description="What does not work at present, although the service answers."
    )


class ProblemField(BaseModel):
    """A field of the request, and its problem."""

    field: str
    message: str


class Problem(BaseModel):
    """The body of every error (RFC 9457); the meaning of a `code` never changes."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    errors: list[ProblemField] | None = None


Wire = TypeVar("Wire", bound=BaseModel)


def parse(schema: type[Wire], body: bytes) -> Wire:
    """Read a request body.

    Raises:
        MalformedJson: the body is not JSON.
        InvalidRequest: fields of the body are wrong, each named.
    """
    try:
        return schema.model_validate_json(body)
    except ValidationError as error:
        details = error.errors(include_url=False)
    if details[0]["type"] == "json_invalid":
        raise MalformedJson(f"the body is not valid JSON: {details[0]['ctx']['error']}")
    raise InvalidRequest([_problem(schema, detail) for detail in details])


def parse_options(options: Mapping[str, object]) -> GenerateRequest:
    """Read a request whose numbers are written as text, as on a command line.

    Raises:
        InvalidRequest: fields of the request are wrong, each named.
    """
    try:
        return GenerateRequest.model_validate(options, strict=False)
    except ValidationError as error:
        details = error.errors(include_url=False)
    raise InvalidRequest([_problem(GenerateRequest, detail) for detail in details])


def _problem(schema: type[BaseModel], detail: Any) -> FieldProblem:
    field = ".".join(map(str, detail["loc"])) or "body"
    if detail["type"] == "extra_forbidden":
        known = ", ".join(schema.model_fields)
        return FieldProblem(field, f"there is no such field; the fields are {known}")
    if detail["type"] == "missing":
        return FieldProblem(field, "this field is required")
    return FieldProblem(field, detail["msg"].removeprefix("Value error, "))  # pydantic's own words
