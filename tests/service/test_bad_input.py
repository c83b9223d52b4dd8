"""A wrong request gets its status and a problem document that names the field."""

import gzip
import json

import pytest

from tests.servers import Answer, Service

JSON = {"Content-Type": "application/json"}


def _post(service: Service, body: bytes | str, headers: dict[str, str] | None = None) -> Answer:
    return service.request("POST", "/generate", body, JSON if headers is None else headers)


def _assert_problem(answer: Answer, status: int, code: str) -> None:
    assert answer.status == status, answer.body
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-request-id"]
    problem = answer.json
    assert (problem["status"], problem["code"]) == (status, code)
    assert problem["title"]
    assert problem["detail"]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({}, "seed"),
        ({"seed": None}, "seed"),
        ({"seed": 5}, "seed"),
        ({"seed": ["a"]}, "seed"),
        ({"seed": "a", "temperature": "0.5"}, "temperature"),
        ({"seed": "a", "temperature": -0.1}, "temperature"),
        ({"seed": "a", "temperature": 2.1}, "temperature"),
        ({"seed": "a", "temperature": True}, "temperature"),
        ({"seed": "a", "temperature": float("nan")}, "temperature"),
        ({"seed": "a", "temperature": float("inf")}, "temperature"),
        ({"seed": "a", "length": 0}, "length"),
        ({"seed": "a", "length": 10_001}, "length"),
        ({"seed": "a", "length": 10**30}, "length"),
        ({"seed": "a", "length": 1.5}, "length"),
        ({"seed": "a", "random_seed": -1}, "random_seed"),
        ({"seed": "a", "random_seed": 2**63}, "random_seed"),
        ({"seed": "a", "top_k": 0}, "top_k"),
        ({"seed": "a", "top_p": 0}, "top_p"),
        ({"seed": "a", "top_p": 1.1}, "top_p"),
        ({"seed": "a", "min_p": 1.1}, "min_p"),
        ({"seed": "a", "typical_p": 0}, "typical_p"),
        ({"seed": "a", "repetition_penalty": 0}, "repetition_penalty"),
        ({"seed": "a", "repetition_window": 0}, "repetition_window"),
        ({"seed": "a", "pattern": "("}, "pattern"),
        ({"seed": "a", "pattern": ""}, "pattern"),
        ({"seed": "a", "pattern": "a" * 2_001}, "pattern"),
        ({"seed": "a", "pattern": "(a|b)*a(a|b){20}"}, "pattern"),
        ({"seed": "a", "unknown": "keep"}, "unknown"),
        ({"seed": "a", "model": 3}, "model"),
        ({"seed": "a", "lenght": 5}, "lenght"),
        ({"seed": "a" * 10_001}, "seed"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_wrong_field_is_named(service: Service, fields: dict, field: str) -> None:
    """A missing, mistyped, unknown or out-of-range field is a 422 that names the field."""
    answer = service.generate(**fields)
    _assert_problem(answer, 422, "invalid_request")
    assert [error["field"] for error in answer.json["errors"]] == [field]


@pytest.mark.parametrize(
    "fields",
    [
        {f"field{number}": 1 for number in range(50_000)},
        {f"field{number}": 1 for number in range(49)},
        {"x" * 900_000: 1},
        {"seed": "a", "stop": ["a"] * 100_000},
        {"seed": "a", "model": "\U0001f600" * 80_000},
        {"seed": ["a"] * 100_000},
        {"seed": "\U0001f600\u4e00\u4e01" * 3_000},
        {"seed": "a", "pattern": f"(?P<{'x' * 900}>)" * 2},
    ],
    ids=lambda fields: str(fields)[:40],
)
def test_an_error_document_is_small(service: Service, fields: dict) -> None:
    """However much is wrong, at most 20 problems are named, in at most 4 KB."""
    answer = service.generate(**fields)
    assert answer.status in (404, 422)
    assert len(answer.body) < 4_000
    assert len(answer.json.get("errors", [])) <= 20


def test_null_and_whole_numbers(service: Service) -> None:
    """Null stands for the default of a field, and 20.0 is the same number as 20."""
    plain = service.generate(seed="abc", length=20).json
    names = "temperature top_k top_p min_p typical_p repetition_penalty repetition_window pattern"
    nulls = dict.fromkeys([*names.split(), "stop", "details", "model"])
    assert service.generate(seed="abc", length=20.0, **nulls).json["text"] == plain["text"]
    assert len(service.generate(seed="abc", length=None).json["text"]) == 400


def test_a_byte_order_mark_is_skipped(service: Service) -> None:
    """JSON that begins with a byte order mark, as some editors write it, is read."""
    assert _post(service, b'\xef\xbb\xbf{"seed": "a", "length": 1}').status == 200


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (gzip.compress(b"{}"), "gzip"),
        ('{"seed": "a"}'.encode("utf-16"), "UTF-16"),
        ('{"seed": "ä"}'.encode("latin-1"), "not UTF-8 at byte 11; send the JSON as UTF-8"),
    ],
    ids=["gzip", "UTF-16", "ISO-8859-1"],
)
def test_another_encoding_is_named(service: Service, body: bytes, named: str) -> None:
    """The answer to a body that is compressed, UTF-16 or ISO-8859-1 says so."""
    answer = _post(service, body)
    _assert_problem(answer, 400, "malformed_json")
    assert named in answer.json["detail"]
    _assert_problem(
        _post(service, body, JSON | {"Content-Encoding": "gzip"}), 415, "unsupported_media_type"
    )


def test_every_wrong_field_is_named_at_once(service: Service) -> None:
    """The response to several wrong fields names every one."""
    answer = service.generate(temperature=3, length="x")
    named = {error["field"] for error in answer.json["errors"]}
    assert named == {"seed", "temperature", "length"}


def test_unknown_characters_are_named(service: Service) -> None:
    """The response names the unknown characters of the seed text and the option that drops them."""
    answer = service.generate(seed="naïve €")
    _assert_problem(answer, 422, "invalid_request")
    (error,) = answer.json["errors"]
    assert error["field"] == "seed"
    assert "ï" in error["message"]
    assert "€" in error["message"]
    assert '"unknown": "drop"' in error["message"]


def test_unknown_characters_are_dropped_on_request(service: Service) -> None:
    """With "unknown": "drop" the response shows the seed text without unknown characters."""
    answer = service.generate(seed="na€ive", unknown="drop", length=5)
    assert answer.status == 200
    assert answer.json["seed"] == "naive"


@pytest.mark.parametrize(
    "body", ["", "{", "nope", '{"seed": "a",}', b"\xff\xfe", '{"seed": "\x00"}']
)
def test_broken_json(service: Service, body: bytes | str) -> None:
    """A body that is not JSON is a 400."""
    _assert_problem(_post(service, body), 400, "malformed_json")


@pytest.mark.parametrize("body", ["[]", "5", "null", '"seed"'])
def test_json_that_is_no_object(service: Service, body: str) -> None:
    """A JSON body that is no object is a 422."""
    _assert_problem(_post(service, body), 422, "invalid_request")


def test_lone_surrogate(service: Service) -> None:
    """A lone surrogate in any field is a 400."""
    for body in ('{"seed": "\\ud800"}', '{"seed": "a", "model": "\\udfff"}'):
        _assert_problem(_post(service, body), 400, "malformed_json")


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_wrong_content_type(service: Service, kind: str) -> None:
    """A body that is not declared as JSON is a 415."""
    answer = _post(service, json.dumps({"seed": "a"}), {"Content-Type": kind})
    _assert_problem(answer, 415, "unsupported_media_type")


def test_huge_body(service: Service) -> None:
    """A body of 10 MB is a 413, and the next request is answered."""
    answer = _post(service, b" " * 10_000_000)
    _assert_problem(answer, 413, "request_entity_too_large")
    assert answer.json["detail"].startswith("the body is over the limit of 1000000 bytes: ")
    assert service.generate(seed="a", length=1).status == 200


@pytest.mark.parametrize("model", ["nobody", "tiny@99", "tiny@nowhere", "../tiny", "", "a@b@c"])
def test_unknown_model(service: Service, model: str) -> None:
    """A model, version or alias that does not exist is a 404."""
    _assert_problem(service.generate(seed="a", model=model), 404, "model_not_found")


def test_unknown_route_and_method(service: Service) -> None:
    """An unknown path is a 404, and a wrong method is a 405 that names the right method."""
    _assert_problem(service.get("/nowhere"), 404, "not_found")
    answer = service.get("/generate")
    _assert_problem(answer, 405, "method_not_allowed")
    assert "POST" in answer.headers["allow"]
