"""`POST /inspect` shows what the engine computes, within its limits."""

import json
import re
from base64 import b64decode
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from model_store import ModelStore
from service.api.inspection import rank
from service.engine.onnx_engine import OnnxEngine
from service.stream.details import REACH
from tests.factories import CellName, publish_random_model
from tests.servers import Answer, Service, serving

TEXT = "Hello, World!\nhow are you"


def _inspect(service: Service, **fields: Any) -> Answer:
    kind = {"Content-Type": "application/json"}
    return service.request("POST", "/inspect", json.dumps(fields), kind)


@pytest.mark.parametrize("cell", ["gru", "rnn"])
def test_without_a_cell_state_the_hidden_one_is_shown(tmp_path: Path, cell: CellName) -> None:
    """A GRU and a simple RNN serve, too; what they remember is their hidden state."""
    publish_random_model(tmp_path / "store", cell, layers=2, cell=cell)
    with serving(tmp_path / "log", store=tmp_path / "store", model=cell) as running:
        (unit,) = _inspect(running, text=TEXT, layer=1, units=[5]).json["units"]
        assert len(running.generate(seed="Hello", length=40).json["text"]) == 40
    assert unit["cell"] == unit["hidden"]
    assert len(set(unit["hidden"])) == len(TEXT)


@pytest.mark.parametrize("layer", [0, 1])
def test_states_are_the_engines(service: Service, store: Path, layer: int) -> None:
    """States and likely characters are those of the graph, stepped by hand."""
    stored = ModelStore(store).open("deep", 1)
    batch = OnnxEngine(stored.file("model.int8.onnx")).batch(1)
    answer = _inspect(service, text=TEXT, model="deep", layer=layer, units=[3, 47]).json
    assert (answer["layers"], answer["layer"], answer["width"]) == (2, layer, 48)
    assert [each["unit"] for each in answer["units"]] == [3, 47]
    for place, id_ in enumerate(stored.vocabulary.encode(TEXT)):
        logits = batch.step(np.array([id_]))[0]
        hidden, cell = batch.state[2 * layer, 0], batch.state[2 * layer + 1, 0]
        for each in answer["units"]:
            assert each["hidden"][place] == pytest.approx(hidden[each["unit"]], abs=1e-5)
            assert each["cell"][place] == pytest.approx(cell[each["unit"]], abs=1e-5)
        likeliest = stored.vocabulary.symbols[int(logits.argmax())]
        assert answer["next"][place][0]["character"] == likeliest
        assert len(answer["next"][place]) == 5


@pytest.mark.parametrize(("model", "layer"), [("tiny", 0), ("deep", 1), ("names", 0)])
def test_gates_make_the_cell_state(service: Service, model: str, layer: int) -> None:
    """C is f · C before + i · C̃ and h is o · tanh C; the state before a text of a list is zero."""
    text = "anna\nbob\ncarl"
    asked = {"text": text, "model": model, "layer": layer, "units": [5, 2]}
    units = _inspect(service, **asked, gates=True).json["units"]
    for unit, plain in zip(units, _inspect(service, **asked).json["units"], strict=True):
        i, f, o, candidate = (
            np.array(unit["gates"][gate]) for gate in ("input", "forget", "output", "candidate")
        )
        before = np.array([0, *unit["cell"][:-1]])
        if model == "names":
            before[[each == "\n" for each in text]] = 0
        np.testing.assert_allclose(unit["cell"], f * before + i * candidate, atol=1e-4)
        np.testing.assert_allclose(unit["hidden"], o * np.tanh(unit["cell"]), atol=1e-4)
        del unit["gates"]
        assert unit == plain


def test_a_map_has_the_cell_state_of_every_unit(service: Service) -> None:
    """The levels of a map, between a unit's extremes, are the states that the unit has by itself."""
    asked = {"text": TEXT, "model": "deep", "layer": 1}
    answer = _inspect(service, **asked, units=list(range(48)), map=True).json
    levels = np.frombuffer(b64decode(answer["map"]["levels"]), np.uint8).reshape(48, len(TEXT))
    lowest, highest = (np.array(answer["map"][end])[:, None] for end in ("lowest", "highest"))
    states = lowest + (highest - lowest) * levels / 255
    cells = np.array([unit["cell"] for unit in answer["units"]])
    assert np.all(np.abs(states - cells) <= (highest - lowest) / 500)
    assert "map" not in _inspect(service, **asked).json


def test_the_gradient_is_by_the_characters_before(service: Service) -> None:
    """A list of texts begins each anew, so that a character depends on its own text alone."""
    asked = {"text": "anna\nbob", "model": "names", "gradient_at": 7}
    gradient = _inspect(service, **asked).json["gradient"]
    assert gradient[:4] == [0, 0, 0, 0]
    assert all(norm > 0 for norm in gradient[4:])
    assert len(gradient) == 7
    # What comes after the character does not count.
    assert _inspect(service, **asked | {"text": "anna\nbobby"}).json["gradient"] == gradient


def test_the_gradient_reaches_so_far(service: Service) -> None:
    """The characters are at most REACH, the last for the one just before."""
    text = "To be or not to be. " * 20
    long, short = (
        _inspect(service, text=each, gradient_at=len(each) - 1).json["gradient"]
        for each in (text, text[-REACH - 1 :])
    )
    assert len(long) == len(short) == REACH
    assert np.argmax(long) > REACH - 20


def test_the_distribution_is_over_every_character(service: Service) -> None:
    """On request, all characters after the text have probabilities that fall and sum to 1."""
    answer = _inspect(service, text=TEXT, distribution=True).json
    logprobs = [each["logprob"] for each in answer["after"]]
    assert sum(np.exp(logprobs)) == pytest.approx(1, abs=1e-3)
    assert logprobs == sorted(logprobs, reverse=True)
    assert answer["after"][:5] == answer["next"][-1]
    assert "after" not in _inspect(service, text=TEXT).json


def test_ranking_names_the_unit_that_tells_apart() -> None:
    """A unit whose cell state goes with the marks comes first, its effect with the right sign."""
    cell = np.random.default_rng(0).normal(0, 1, (100, 20)).astype(np.float32)
    cell[30:50, 13] -= 10
    first, *others = rank(cell, list(range(30, 50)))
    assert first.unit == 13
    assert first.effect < -5
    assert all(abs(other.effect) < 1 for other in others)


def test_ranking_survives_units_that_never_move() -> None:
    """A unit that is the same everywhere has no effect, rather than no number."""
    assert {each.effect for each in rank(np.ones((4, 3), np.float32), [1])} == {0.0}


def test_marks_are_answered_with_a_ranking(service: Service) -> None:
    """A ranking comes for marks alone, ten units, the largest effects first."""
    assert "ranking" not in _inspect(service, text=TEXT).json
    ranking = _inspect(service, text=TEXT, marked=[0, 7]).json["ranking"]
    effects = [abs(each["effect"]) for each in ranking]
    assert len(effects) == 10
    assert effects == sorted(effects, reverse=True)


def test_a_state_has_five_decimals(service: Service) -> None:
    """A number is written with the decimals to which it is rounded, and no more."""
    body = _inspect(service, text=TEXT, units=[0, 1, 2]).body.decode()
    decimals = [len(each) for each in re.findall(r"-?\d\.(\d+)", body)]
    assert len(decimals) > 100
    assert max(decimals) == 5


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"text": ""}, "text"),
        ({"text": "a" * 2001}, "text"),
        ({"text": "日本"}, "text"),
        ({"text": "ab", "layer": 1}, "layer"),
        ({"text": "ab", "layer": -1}, "layer"),
        ({"text": "ab", "units": [32]}, "units"),
        ({"text": "ab", "units": list(range(65))}, "units"),
        ({"text": "ab", "marked": []}, "marked"),
        ({"text": "ab", "marked": [0, 1]}, "marked"),
        ({"text": "ab", "marked": [2]}, "marked"),
        ({"text": "ab", "gradient_at": 0}, "gradient_at"),
        ({"text": "ab", "gradient_at": 2}, "gradient_at"),
        ({"text": "ab", "gates": [7]}, "gates"),
        ({"text": "ab", "map": 1}, "map"),
        ({"text": "ab", "more": 1}, "more"),
    ],
)
def test_bad_input_names_the_field(service: Service, fields: dict[str, Any], field: str) -> None:
    """Whatever is out of bounds is refused, with the field's name."""
    answer = _inspect(service, **fields)
    assert answer.status == 422
    assert [error["field"] for error in answer.json["errors"]] == [field]


def test_generations_are_not_disturbed(service: Service) -> None:
    """Inspections beside a generation change none of its characters, nor it theirs."""
    quiet = _inspect(service, text=TEXT, units=[0]).json
    text = service.generate({"Cache-Control": "no-store"}, seed="a", length=2000).json["text"]
    with ThreadPoolExecutor(5) as pool:
        pending = [pool.submit(_inspect, service, text=TEXT, units=[0]) for _ in range(4)]
        again = service.generate({"Cache-Control": "no-store"}, seed="a", length=2000)
        assert [each.result().json for each in pending] == [quiet] * 4
    assert again.json["text"] == text
