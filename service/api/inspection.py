"""Inspections: what a model computes inside while it reads a text."""

from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model_store import Architecture, Vocabulary
from service.api.inspection_schemas import (
    Gates,
    InspectRequest,
    RankedUnit,
    UnitMap,
    UnitStates,
)
from service.api.resolve import readable
from service.errors import FieldProblem, InvalidRequest
from service.stream.details import DIGITS, Look, Reading

RANKED = 10  # units in a ranking
FIGURES = 4  # of a norm, which may be far below 1
LEVELS = 255  # the highest level of a state in a map

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Inspection:
    """A resolved request for an inspection, with every limit of the model checked."""

    text: str
    look: Look
    units: list[int]
    marked: list[int] | None


def resolve_inspection(
    request: InspectRequest, architecture: Architecture, vocabulary: Vocabulary
) -> Inspection:
    """Return the inspection that a request means for a model of this architecture and vocabulary.

    Raises:
        InvalidRequest: the model lacks a character, the layer, a unit or gates, the text lacks a place or
            is not in the form NFC, or the marked characters are none or all of the text.
    """
    text, problems = readable("text", request.text, request.unknown, vocabulary)
    if not text:
        problems.append(
            FieldProblem("text", "the model knows none of these characters; send others")
        )
    problems += [*_model_problems(request, architecture), *_place_problems(request, text)]
    if problems:
        raise InvalidRequest(problems)
    gated = tuple(request.units) if request.gates else ()
    look = Look(request.layer, gated, request.gradient_at)
    return Inspection(text, look, request.units, request.marked)


def _model_problems(request: InspectRequest, architecture: Architecture) -> Iterator[FieldProblem]:
    """Yield what the model does not have."""
    if request.layer >= architecture.layers:
        yield FieldProblem("layer", f"the model's layers are 0 to {architecture.layers - 1}")
    if any(unit >= architecture.units for unit in request.units):
        yield FieldProblem("units", f"a layer's units are 0 to {architecture.units - 1}")
    inner = {"gates": request.gates, "gradient_at": request.gradient_at is not None}
    for field, wanted in inner.items():
        if wanted and architecture.cell != "lstm":
            message = f"choose a model with LSTM cells; this model's cells are {architecture.cell}"
            yield FieldProblem(field, message)


def _place_problems(request: InspectRequest, text: str) -> Iterator[FieldProblem]:
    """Yield what is wrong with places of the text, whose form NFC is given."""
    places = {"marked": request.marked, "gradient_at": request.gradient_at}
    fields = [f"`{field}`" for field, value in places.items() if value is not None]
    if fields and text != request.text:
        message = "send the text in Unicode's form NFC, in whose characters {} counts"
        if request.unknown == "drop":
            message += ", and without the characters that the model does not know"
        yield FieldProblem("text", message.format(" and ".join(fields)))
        return
    if request.marked is not None:
        yield from _marking_problems(set(request.marked), len(text))
    if request.gradient_at is not None and not 0 < request.gradient_at < len(text):
        message = f"name a character with another before it, from 1 up to {len(text) - 1}"
        yield FieldProblem("gradient_at", message)


def _marking_problems(marked: set[int], characters: int) -> list[FieldProblem]:
    if any(place >= characters for place in marked):
        return [FieldProblem("marked", f"the text's characters are 0 to {characters - 1}")]
    if not 0 < len(marked) < characters:
        return [FieldProblem("marked", "mark at least one character, and not all of them")]
    return []


def rank(cell: Floats, marked: list[int]) -> list[RankedUnit]:
    """Return the units whose cell state best tells the marked characters from the others.

    `cell` [N, units] has the cell state after each of N characters. The statistic is Cohen's d
    (Cohen, Statistical Power Analysis for the Behavioral Sciences, 1988, chapter 2): the difference
    of the two means over the root of the mean of the two variances. The effects with the largest absolute values come first.
    """
    is_marked = np.zeros(len(cell), bool)
    is_marked[marked] = True
    inside, outside = cell[is_marked].astype(np.float64), cell[~is_marked].astype(np.float64)
    difference = inside.mean(axis=0) - outside.mean(axis=0)
    spread = np.sqrt((inside.var(axis=0) + outside.var(axis=0)) / 2)
    # A unit with a constant state has no spread; the floor keeps its effect finite.
    effects = difference / np.maximum(spread, np.finfo(np.float32).eps)
    # A stable sort ranks units of equal effects by their number.
    best = np.argsort(-np.abs(effects), kind="stable")[:RANKED]
    return [RankedUnit(unit=int(unit), effect=round(float(effects[unit]), 3)) for unit in best]


def unit_states(units: list[int], reading: Reading) -> list[UnitStates]:
    """Return the states of some units after each character, and the gates that the reading has of them."""
    # The arrays are [characters, units]; the response has one list for each unit.
    hidden, cell = _rounded(reading.hidden), _rounded(reading.cell)
    gates = _gates_of(units, reading.gates)
    return [
        UnitStates(
            unit=unit,
            hidden=hidden[:, unit].tolist(),
            cell=cell[:, unit].tolist(),
            gates=gates.get(unit),
        )
        for unit in units
    ]


def _gates_of(units: list[int], gates: NDArray[np.float32]) -> dict[int, Gates]:
    """Return the gates [N, 4, k] by unit; of no unit where k is 0."""
    columns = _rounded(gates).transpose(2, 1, 0).tolist()
    return {
        unit: Gates(input=i, forget=f, output=o, candidate=candidate)
        for unit, (i, f, o, candidate) in zip(units, columns, strict=False)
    }


def unit_map(cell: Floats) -> UnitMap:
    """Return the map of cell states [N, units]; a unit with a constant state has the middle level."""
    lowest, highest = cell.min(axis=0), cell.max(axis=0)
    span, half = highest - lowest, np.full_like(cell, 0.5)
    levels = LEVELS * np.divide(cell - lowest, span, out=half, where=span > 0)
    return UnitMap(
        lowest=_rounded(lowest).tolist(),
        highest=_rounded(highest).tolist(),
        levels=b64encode(levels.round().astype(np.uint8).T.tobytes()).decode(),
    )


def gradient_norms(reading: Reading) -> list[float]:
    """Return the norms of a reading's gradient with four figures."""
    return [float(f"{norm:.{FIGURES}g}") for norm in reading.gradient.tolist()]


def _rounded(values: NDArray[np.float32]) -> NDArray[np.float64]:
    # Rounded as 64-bit numbers: a 32-bit number has more digits when a list widens it.
    return values.astype(np.float64).round(DIGITS)
