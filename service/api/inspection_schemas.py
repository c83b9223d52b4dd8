"""The schemas of `POST /inspect`."""

from typing import Annotated

from pydantic import BaseModel, Field

from service.api.parameters import Unknown, Whole
from service.api.schemas import Likely, Request
from service.stream.details import REACH

MAX_TEXT = 2_000  # characters
MAX_UNITS = 64

Index = Annotated[Whole, Field(ge=0)]


class InspectRequest(Request):
    """The body of `POST /inspect`."""

    text: str = Field(
        min_length=1, max_length=MAX_TEXT, description="The text that the model is to read."
    )
    layer: Index = Field(0, description="Which layer, from the input on, counted from 0.")
    units: list[Index] = Field(
        [], max_length=MAX_UNITS, description="Units whose states are returned."
    )
    gates: bool = Field(False, description="Answer with the gates of these units, of an LSTM.")
    map: bool = Field(
        False, description="Answer with the cell states of all units of the layer, a byte each."
    )
    gradient_at: Index | None = Field(
        None,
        description=(
            "Place of a character, from 0: of an LSTM, answer with the gradient of this character's loss "
            f"by each of the {REACH} characters before."
        ),
    )
    marked: list[Index] | None = Field(
        None,
        max_length=MAX_TEXT,
        description="Places of characters, from 0; ranks the units that tell these from the rest.",
    )
    distribution: bool = Field(
        False, description="Answer with every character's probability after the text."
    )
    unknown: Unknown = "error"
    model: str | None = Field(
        None, description="name, name@version or name@alias; without it, the default model."
    )


class Gates(BaseModel):
    """A unit's three gates i, f, o at each character, from 0 to 1, and the candidate C̃, from -1 to 1."""

    input: list[float]
    forget: list[float]
    output: list[float]
    candidate: list[float]


class UnitStates(BaseModel):
    """A unit's states after each character; a cell without a cell state has the hidden state twice."""

    unit: int
    hidden: list[float]
    cell: list[float]
    gates: Gates | None = None


class UnitMap(BaseModel):
    """The cell state of every unit after each character, in levels between the unit's extremes."""

    lowest: list[float] = Field(description="The lowest state of each unit, level 0.")
    highest: list[float] = Field(description="The highest state of each unit, level 255.")
    levels: str = Field(
        description="Base64 of a byte for each character of the first unit, then of the second, and so on."
    )


class RankedUnit(BaseModel):
    """A unit and Cohen's d of its cell state between marked and other characters."""

    unit: int
    effect: float


class InspectResponse(BaseModel):
    """The states of a layer after each character of a text."""

    model: str
    version: int
    text: str
    layers: int
    layer: int
    width: int
    units: list[UnitStates]
    map: UnitMap | None = None
    next: list[list[Likely]] = Field(
        description="After each character, the likeliest ones to follow."
    )
    ranking: list[RankedUnit] | None = Field(
        None, description="The units with the largest effects, up or down."
    )
    gradient: list[float] | None = Field(
        None,
        description=(
            f"A norm for each of the at most {REACH} characters before `gradient_at`, the last for the "
            "character just before."
        ),
    )
    after: list[Likely] | None = Field(
        None, description="After the whole text, every character, the likeliest first."
    )
