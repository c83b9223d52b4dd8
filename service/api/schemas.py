"""The schemas of charloom's own routes."""

from typing import Any, Literal

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    RootModel,
    ValidationInfo,
    field_validator,
)

from model_store import Architecture, Corpus
from service.api.parameters import (
    MinP,
    PatternString,
    RepetitionPenalty,
    RepetitionWindow,
    StopString,
    TopK,
    TypicalP,
    Unknown,
    Whole,
)
from service.stream.generation import REPETITION_WINDOW, FinishReason

MAX_RANDOM_SEED = 2**63 - 1
MAX_COUNT = 1_000


def _nullable(schema: dict[str, Any]) -> None:
    """Declare every field with a default nullable."""
    for name, field in schema["properties"].items():
        if name not in schema["required"] and {"type": "null"} not in field.get("anyOf", []):
            schema["properties"][name] = {"anyOf": [field, {"type": "null"}]}


class Request(BaseModel):
    """A request's body: unknown fields are an error, "0.5" is no number, null is a field's default."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, json_schema_extra=_nullable)


class GenerateRequest(Request):
    """The body of `POST /generate`."""

    seed: str = Field(
        description="The text to go on from; the beginning of a text, if the model is one of many short texts."
    )
    temperature: float = Field(
        1.0,
        ge=0,
        le=2,
        allow_inf_nan=False,
        description="0 always takes the likeliest character; higher values give wilder texts.",
    )
    length: Whole = Field(400, ge=1, description="Characters to generate.")
    random_seed: Whole | None = Field(
        0,
        ge=0,
        le=MAX_RANDOM_SEED,
        description="The same random seed gives the same text; in JSON, null draws a fresh one.",
    )
    top_k: TopK = None
    top_p: float | None = Field(
        None,
        gt=0,
        le=1,
        allow_inf_nan=False,
        description="Draw from the likeliest characters that together have this probability.",
    )
    min_p: MinP = None
    typical_p: TypicalP = None
    repetition_penalty: RepetitionPenalty = 1.0
    repetition_window: RepetitionWindow = REPETITION_WINDOW
    pattern: PatternString | None = Field(
        None, description="A regular expression that the whole text matches."
    )
    stop: list[StopString] = Field(
        [], max_length=4, description="The text ends before the first of these."
    )
    count: Whole | None = Field(
        None, ge=1, le=MAX_COUNT, description="Texts to generate, with random seeds made from one."
    )
    distinct: bool = Field(False, description="Of many texts, drop repeats and generate others.")
    novel: bool = Field(
        False,
        description="Of many texts, drop those that stand in the training corpus and generate others.",
    )
    stream: bool = Field(False, description="Answer with server-sent events, as text is made.")
    details: bool = Field(
        False, description="Explain each character: log-probabilities, before temperature."
    )
    unknown: Unknown = "error"
    model: str | None = Field(
        None, description="name, name@version or name@alias; without it, the default model."
    )

    @field_validator("distinct", "novel")
    @classmethod
    def _of_many(cls, drops: bool, info: ValidationInfo) -> bool:
        if drops and info.data.get("count") is None:
            raise ValueError("texts are dropped of many: give a count, too")
        return drops


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
    seed_text: str = Field(description="A seed text to try the version with; possibly empty.")


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

    default: str = Field(description="The model of a request that names none.")
    models: list[ModelSummary]
    faults: list[ModelFault]


class ModelPage(CurrentVersion):
    """The answer of `GET /models/<name>`: the model with all its versions."""

    versions: list[VersionSummary]
    faults: list[ModelFault]
    card: str | None = None
    samples: str | None = None


class EpochPage(BaseModel):
    """The losses of an epoch in nats per character, and its samples."""

    number: int = Field(description="From 1; epoch 0 is the network before its first step.")
    train_loss: float | None = Field(None, description="Epoch 0 has no training loss.")
    validation_loss: float = Field(description="Over the held-out text.")
    samples: dict[str, str] = Field(description="By temperature, each after the same seed text.")


class Epochs(RootModel[list[EpochPage]]):
    """The epochs of a version, in their order; versions of earlier jobs have no epoch 0."""


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
