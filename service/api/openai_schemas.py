"""OpenAI's schemas; a token is a character here."""

from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
)

from service.api.parameters import (
    MinP,
    PatternString,
    RepetitionPenalty,
    RepetitionWindow,
    StopString,
    TypicalP,
    Unknown,
    Whole,
    whole_members,
)
from service.api.schemas import Request
from service.stream.generation import REPETITION_WINDOW

MAX_CHOICES = 128  # texts of one request, those of `best_of` included
MAX_BIASES = 300  # as OpenAI


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _are_ids(value: Any) -> bool:
    whole = isinstance(value, list) and all(type(each) is int and each >= 0 for each in value)
    return whole and bool(value)


def _prompts(value: Any) -> Any:
    """Return the list of prompts, checked here because pydantic would list each wrong member."""
    several = isinstance(value, list) and not _are_ids(whole_members(value))
    prompts = value if several else [value]
    if len(prompts) > MAX_CHOICES:
        raise ValueError(f"{len(prompts)} are over the limit of {MAX_CHOICES}")
    prompts = [whole_members(prompt) for prompt in prompts]
    for place, prompt in enumerate(prompts):
        if not (isinstance(prompt, str) or _are_ids(prompt)):
            raise ValueError(f"prompt {place} is neither a text nor an array of token ids")
    return prompts


class StreamOptions(BaseModel):
    """The options of a streamed answer."""

    model_config = ConfigDict(extra="ignore", strict=True)

    include_usage: bool = False


class StructuredOutputs(Request):
    """The bounds of a text, in the form of vLLM."""

    regex: PatternString = Field(description="As `pattern` in `POST /generate`.")


class CompletionRequest(Request):
    """The body of `POST /v1/completions`."""

    model: str | None = Field(None, description="As in `POST /generate`.")
    prompt: Annotated[
        list[str | list[int]],
        BeforeValidator(
            _prompts, json_schema_input_type=str | list[str] | list[int] | list[list[int]]
        ),
        Field(min_length=1),
    ] = Field(description="The text to go on from, as characters or token ids, or several texts.")
    max_tokens: Whole = Field(
        16, ge=0, description="Characters to generate; 0 with `echo` reads the prompt alone."
    )
    temperature: float = Field(1.0, ge=0, le=2, allow_inf_nan=False)
    top_p: float = Field(1.0, gt=0, le=1, allow_inf_nan=False)
    n: Whole = Field(1, ge=1, le=MAX_CHOICES, description="Texts for each prompt.")
    best_of: Whole | None = Field(
        None,
        ge=1,
        le=MAX_CHOICES,
        description="Texts to generate for each prompt, of which the n likeliest are returned.",
    )
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
    top_k: Whole | None = Field(
        None,
        ge=-1,
        description="Draw from this many of the likeliest characters; with 0 or -1 from all, as with vLLM.",
    )
    min_p: MinP = None
    typical_p: TypicalP = None
    repetition_penalty: RepetitionPenalty = 1.0
    repetition_window: RepetitionWindow = REPETITION_WINDOW
    structured_outputs: StructuredOutputs | None = Field(
        None, description="A regular expression that each whole text matches, as vLLM takes it."
    )
    stream: bool = False
    stream_options: StreamOptions | None = None
    suffix: str | None = Field(None, description="Refused: the model reads forwards only.")
    user: str | None = Field(None, description="Ignored.")
    unknown: Unknown = "error"

    @field_validator("suffix")
    @classmethod
    def _no_suffix(cls, _: str) -> None:
        raise ValueError("not supported: the model reads forwards only; leave it out")

    @field_validator("n", "best_of")
    @classmethod
    def _fits(cls, texts: int | None, info: ValidationInfo) -> int | None:
        prompts = len(info.data.get("prompt", ()))
        if (texts or 1) * prompts > MAX_CHOICES:
            raise ValueError(f"for {prompts} prompts the limit is {MAX_CHOICES // prompts}")
        return texts

    @field_validator("best_of")
    @classmethod
    def _has_a_choice(cls, best_of: int | None, info: ValidationInfo) -> int | None:
        if best_of is not None and best_of < info.data.get("n", 1):
            raise ValueError("best_of must be at least n")
        return best_of

    @field_validator("stream")
    @classmethod
    def _streams_all(cls, stream: bool, info: ValidationInfo) -> bool:
        if stream and (info.data.get("best_of") or 0) > info.data.get("n", 1):
            raise ValueError("the best texts are known at the end: leave out stream, or best_of")
        return stream

    @property
    def drawn(self) -> int:
        """The number of texts to generate for each prompt."""
        return self.best_of or self.n

    @property
    def reads_prompts(self) -> bool:
        """Whether the log-probabilities of the prompts' own characters are wanted."""
        return self.echo and self.logprobs is not None


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
