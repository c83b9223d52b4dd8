"""The schemas of `POST /score`."""

from typing import Annotated

from pydantic import BaseModel, Field

from service.api.parameters import Unknown
from service.api.schemas import Request

MAX_TEXTS = 1_000


class ScoreRequest(Request):
    """The body of `POST /score`."""

    texts: list[Annotated[str, Field(min_length=1)]] = Field(
        min_length=1, max_length=MAX_TEXTS, description="The texts to score."
    )
    context: str = Field(
        "",
        description="What the model reads before each text; without it, the model reads a line end.",
    )
    details: bool = Field(False, description="Answer with the log-probability of each character.")
    unknown: Unknown = "error"
    model: str | None = Field(
        None, description="name, name@version or name@alias; without it, the default model."
    )


class Score(BaseModel):
    """How likely a model finds a text; logarithms are natural but for `bits`."""

    characters: int = Field(description="The characters that count: all but U+FFFD.")
    logprob: float = Field(description="The log-probability of the whole text.")
    nats: float = Field(description="The mean of -logprob over the characters.")
    bits: float = Field(description="The mean of -log2 of the probability over the characters.")
    perplexity: float = Field(description="e to the power of `nats`.")


class TextScore(Score):
    """The score of one text; with `details` also the text that was read, and its characters' scores."""

    text: str | None = None
    logprobs: list[float | None] | None = Field(
        None,
        description="The log-probability of each character after all characters before; null for U+FFFD.",
    )


class ScoreResponse(BaseModel):
    """The answer of `POST /score`; `scores` has the order of the request's texts."""

    model: str
    version: int
    context: str
    scores: list[TextScore]
    total: Score = Field(description="The score of all characters of all texts.")
