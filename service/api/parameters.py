"""The types of a request's parameters that several routes have: their bounds and descriptions."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

MAX_STOP = 200  # characters
MAX_PATTERN = 2_000  # characters
MAX_WINDOW = 10_000  # characters


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def whole_members(values: Any) -> Any:
    """Return a list whose whole numbers are integers; any other value stays as it is."""
    return [_whole(each) for each in values] if isinstance(values, list) else values


# In JSON 20.0 is the same number as 20.
Whole = Annotated[int, BeforeValidator(_whole)]
StopString = Annotated[str, Field(min_length=1, max_length=MAX_STOP)]
PatternString = Annotated[str, Field(min_length=1, max_length=MAX_PATTERN)]

# The field `unknown` says what a request does with characters that the model does not know.
Unknown = Annotated[
    Literal["error", "drop"],
    Field(description="Refuse or drop characters that the model does not know."),
]

# The parameters of a draw that both routes have.
TopK = Annotated[
    Whole | None, Field(ge=1, description="Draw from this many of the likeliest characters.")
]
MinP = Annotated[
    float | None,
    Field(
        ge=0,
        le=1,
        allow_inf_nan=False,
        description="Leave out characters with less than this share of the likeliest one's probability.",
    ),
]
TypicalP = Annotated[
    float | None,
    Field(
        gt=0,
        le=1,
        allow_inf_nan=False,
        description="Draw from the most typical characters that together have this probability.",
    ),
]
RepetitionPenalty = Annotated[
    float,
    Field(
        ge=0.1,
        le=10,
        allow_inf_nan=False,
        description="Above 1, characters that were generated lately become less likely.",
    ),
]
RepetitionWindow = Annotated[
    Whole,
    Field(
        ge=1,
        le=MAX_WINDOW,
        description="How many of the last generated characters `repetition_penalty` looks at.",
    ),
]
