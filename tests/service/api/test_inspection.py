"""An inspection is resolved within the limits of its model."""

from base64 import b64decode
from typing import Any

import numpy as np
import pytest

from model_store import Vocabulary
from service.api.inspection import RANKED, Inspection, rank, resolve_inspection, unit_map
from service.api.inspection_schemas import InspectRequest
from service.api.likely import likely_characters
from service.errors import InvalidRequest
from service.stream.details import Details, Look
from tests.factories import SYMBOLS, CellName, description
from tests.fake_engines import details_of, fake_model


def _resolved(cell: CellName = "lstm", **fields: Any) -> Inspection:
    request = InspectRequest.model_validate({"text": "abc"} | fields)
    architecture = description(layers=2, units=8, cell=cell).architecture
    return resolve_inspection(request, architecture, Vocabulary(SYMBOLS))


def test_defaults() -> None:
    """A text alone is read in the first layer, for no unit, without gates, a gradient or a ranking."""
    assert _resolved(units=[3]) == Inspection("abc", Look(layer=0), units=[3], marked=None)


def test_gates_are_those_of_the_units() -> None:
    """The engine is asked for the gates of the units whose states are returned."""
    assert _resolved(units=[3, 1], gates=True).look == Look(layer=0, gated=(3, 1))


@pytest.mark.parametrize("cell", ["gru", "rnn"])
def test_other_cells_have_no_such_gates(cell: CellName) -> None:
    """Gates and gradients of other cells than the LSTM are refused with the remedy."""
    with pytest.raises(InvalidRequest) as caught:
        _resolved(cell, gates=True, gradient_at=1)
    message = f"choose a model with LSTM cells; this model's cells are {cell}"
    assert [(each.field, each.message) for each in caught.value.problems] == [
        ("gates", message),
        ("gradient_at", message),
    ]


def test_unknown_characters_are_dropped_on_request() -> None:
    """With `unknown` "drop" the text lacks the characters that the model does not know."""
    assert _resolved(text="a€b", unknown="drop").text == "ab"


def test_the_text_is_composed() -> None:
    """The text is read in NFC form; without marks any form will do."""
    assert _resolved(text="o\u0308a").text == "\u00f6a"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"text": "o\u0308a", "marked": [1]},
            "send the text in Unicode's form NFC, in whose characters `marked` counts",
        ),
        (
            {"text": "o\u0308a", "gradient_at": 1},
            "send the text in Unicode's form NFC, in whose characters `gradient_at` counts",
        ),
        (
            {"text": "a€b", "marked": [1], "unknown": "drop"},
            (
                "send the text in Unicode's form NFC, in whose characters `marked` counts, "
                "and without the characters that the model does not know"
            ),
        ),
        ({"text": "€", "unknown": "drop"}, "the model knows none of these characters; send others"),
        ({"gradient_at": 0}, "name a character with another before it, from 1 up to 2"),
        ({"gradient_at": 3}, "name a character with another before it, from 1 up to 2"),
        ({"layer": 2}, "the model's layers are 0 to 1"),
        ({"units": [0, 8]}, "a layer's units are 0 to 7"),
        ({"marked": [3]}, "the text's characters are 0 to 2"),
        ({"marked": []}, "mark at least one character, and not all of them"),
        ({"marked": [0, 1, 2, 2]}, "mark at least one character, and not all of them"),
    ],
)
def test_each_limit_is_refused_with_its_field(fields: dict[str, Any], message: str) -> None:
    """A layer, unit or place that the model or the text lacks is named with the bounds."""
    with pytest.raises(InvalidRequest) as caught:
        _resolved(**fields)
    (problem,) = caught.value.problems
    assert (problem.field, problem.message) == (next(iter(fields)), message)


def test_all_problems_are_named_at_once() -> None:
    """Several wrong fields are one refusal."""
    with pytest.raises(InvalidRequest) as caught:
        _resolved(layer=5, units=[9], marked=[])
    assert [problem.field for problem in caught.value.problems] == ["layer", "units", "marked"]


def test_the_effect_is_cohens_d() -> None:
    """The effect of a unit is the difference of means over the root of the mean variance."""
    cell = np.array([[1.0, 0.0], [3.0, 0.0], [5.0, 0.0], [9.0, 0.0]], np.float32)
    effect = (2 - 7) / np.sqrt((1 + 4) / 2)
    first, second = rank(cell, [0, 1])
    assert (first.unit, first.effect) == (0, round(effect, 3))
    assert (second.unit, second.effect) == (1, 0.0)


def test_a_ranking_is_short() -> None:
    """Of many units the ten with the largest effects are ranked, of either sign."""
    cell = np.zeros((2, 30), np.float32)
    cell[0] = np.arange(30) * (-1.0) ** np.arange(30)
    cell += np.random.default_rng(0).normal(0, 0.001, cell.shape).astype(np.float32)
    assert len(rank(cell, [0])) == RANKED


def test_a_map_has_levels_between_the_extremes_of_each_unit() -> None:
    """The lowest state of a unit is level 0, the highest level 255; a constant state is level 128."""
    cell = np.array([[-2.0, 0.5, 7.0], [2.0, 0.1, 7.0], [1.0, 0.3, 7.0]], np.float32)
    made = unit_map(cell)
    assert list(b64decode(made.levels)) == [0, 255, 191, 255, 0, 128, 128, 128, 128]
    assert (made.lowest, made.highest) == ([-2.0, 0.1, 7.0], [2.0, 0.5, 7.0])


def test_likely_characters_are_those_of_the_ids() -> None:
    """Ids become symbols of the vocabulary in the order of the ids; log-probabilities are rounded."""
    vocabulary = fake_model().vocabulary
    rows = likely_characters(details_of(np.arange(3)), vocabulary)
    assert len(rows) == 3
    assert [each.character for each in rows[0]] == list(vocabulary.symbols[:5])
    assert [each.logprob for each in rows[0]][:3] == [0.0, -0.33333, -0.66667]
    assert likely_characters(Details.empty(0, 5), vocabulary) == []
