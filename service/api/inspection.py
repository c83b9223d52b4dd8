"""Inspections: the states of a layer's units after each character of a text."""

import unicodedata
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from service.api.inspection_schemas import InspectRequest, RankedUnit
from service.errors import FieldProblem, InvalidRequest

RANKED = 10  # units in a ranking

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Inspection:
    """A resolved request for an inspection, with every limit of the model checked."""

    text: str
    layer: int
    units: list[int]
    marked: list[int] | None


def resolve_inspection(request: InspectRequest, layers: int, width: int) -> Inspection:
    """Return the inspection that a request means for a model of `layers` layers of `width` units.

    Raises:
        InvalidRequest: the model lacks the layer or a unit, the text lacks a marked place or is not
            in the form NFC, or the marked characters are none or all of the text.
    """
    text = unicodedata.normalize("NFC", request.text)
    problems = []
    if request.layer >= layers:
        problems.append(FieldProblem("layer", f"the model's layers are 0 to {layers - 1}"))
    if any(unit >= width for unit in request.units):
        problems.append(FieldProblem("units", f"a layer's units are 0 to {width - 1}"))
    if request.marked is not None and text != request.text:
        message = "send the text in Unicode's form NFC, in whose characters `marked` counts"
        problems.append(FieldProblem("text", message))
    elif request.marked is not None:
        problems += _marking_problems(set(request.marked), len(text))
    if problems:
        raise InvalidRequest(problems)
    return Inspection(text, request.layer, request.units, request.marked)


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
