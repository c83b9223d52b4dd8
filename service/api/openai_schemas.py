"""OpenAI's schemas; a token is a character here."""

from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    field_validator,
    model_validator,
)

from service.api.schemas import Request, StopString, Whole

MAX_CHOICES = 16
MAX_BIASES = 300  # as OpenAI


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


class StreamOptions(BaseModel):
    """The options of a streamed answer."""

    model_config = ConfigDict(extra="ignore", strict=True)

    include_usage: bool = False


class CompletionRequest(Request):
    """The body of `POST /v1/completions`."""

    model: str | None = Field(None, description="As in `POST /generate`.")
    prompt: Annotated[
        list[str],
        BeforeValidator(_listed, json_schema_input_type=str | list[str]),
        Field(min_length=1, max_length=MAX_CHOICES),
    ] = Field(description="The text to go on from, or several.")
    max_tokens: Whole = Field(16, ge=1, description="Characters to generate.")
    temperature: float = Field(1.0, ge=0, le=2, allow_inf_nan=False)
    top_p: float = Field(1.0, gt=0, le=1, allow_inf_nan=False)
    n: Whole = Field(1, ge=1, le=MAX_CHOICES, description="Texts for each prompt.")
    best_of: Whole | None = Field(None, description="Must be n, where it is given.")
    stop: Annotated[
        list[StopString],
        BeforeValidator(_listed, json_schema_input_type=str | list[str]),
        Field(max_length=4),
    ] = Field([], description="The text ends before the first of these.")
    seed: Whole | None = Field(
        None, ge=-(2**63), lt=2**63, description="The same seed gives the same texts."
    )
    echo: bool = Field(False, description="Answer with the prompt before each text.")
    logprobs: Whole | None = Field(
        None, ge=0, le=5, description="How many likely characters to show beside each."
    )
    presence_penalty: float = Field(0.0, ge=-2, le=2, allow_inf_nan=False)
    frequency_penalty: float = Field(0.0, ge=-2, le=2, allow_inf_nan=False)
    logit_bias: dict[str, Annotated[float, Field(ge=-100, le=100)]] | None = Field(
        None, max_length=MAX_BIASES, description="Added to the logits; keys are characters."
    )
    stream: bool = False
    stream_options: StreamOptions | None = None
    suffix: str | None = Field(None, description="Refused: the model reads forwards only.")
    user: str | None = Field(None, description="Ignored.")
    unknown: Literal["error", "drop"] = Field("error", description="As in `POST /generate`.")

    @field_validator("suffix")
    @classmethod
    def _no_suffix(cls, _: str) -> None:
        raise ValueError("not supported: the model reads forwards only; leave it out")

    @model_validator(mode="after")
    def _possible(self) -> "CompletionRequest":
        if self.best_of not in (None, self.n):
            raise ValueError("best_of must be n: all texts are returned")
        if self.n * len(self.prompt) > MAX_CHOICES:
            raise ValueError(f"n times the prompts is over the limit of {MAX_CHOICES}")
        return self


class Logprobs(BaseModel):
    """Natural logarithms of the model's probabilities, before temperature and penalties."""

    tokens: list[str]
    token_logprobs: list[float | None]
    top_logprobs: list[dict[str, float] | None]
    text_offset: list[int]


OpenAIReason = Literal["length", "stop"]


class Choice(BaseModel):
    """One text, or a piece of one."""

    text: str
    index: int
    logprobs: Logprobs | None = None
    finish_reason: OpenAIReason | None = None


class Usage(BaseModel):
    """The numbers of characters read and drawn."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class Completion(BaseModel):
    """The answer, or one event of a streamed one."""

    id: str
    object: Literal["text_completion"] = "text_completion"
    created: int
    model: str
    choices: list[Choice]
    usage: Usage | None = None


class OpenAIModel(BaseModel):
    """A model as OpenAI lists it."""

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str = "charloom"


class OpenAIModels(BaseModel):
    """The answer of `GET /v1/models`."""

    object: Literal["list"] = "list"
    data: list[OpenAIModel]


class OpenAIErrorBody(BaseModel):
    """An error in OpenAI's fields."""

    message: str
    type: str
    param: str | None
    code: str


class OpenAIError(BaseModel):
    """The body of every error under `/v1`."""

    error: OpenAIErrorBody
