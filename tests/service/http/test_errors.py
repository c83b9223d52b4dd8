"""Every error becomes a problem document with the status and code of the table."""

import json
import logging

import pytest
from werkzeug.exceptions import MethodNotAllowed, RequestEntityTooLarge

from model_store import ModelNotFound
from service.errors import FieldProblem, InvalidRequest, KeyRequired, QueueFull, RateLimited
from service.http.errors import STATUS, example_of, problem_of, refusal


@pytest.mark.parametrize(("error", "expected"), STATUS.items(), ids=str)
def test_an_example_is_a_problem_document(
    error: type[Exception], expected: tuple[int, str]
) -> None:
    """The example of an error has its status and code, a title, and its meaning as the detail."""
    example = example_of(error)
    assert (example["status"], example["code"]) == expected
    assert example["title"]
    assert example["detail"].endswith(".")


def test_wrong_fields_are_listed() -> None:
    """The problem of an invalid request names each field with its message."""
    problem = problem_of(InvalidRequest([FieldProblem("seed", "too long")]))
    assert (problem["status"], problem["code"]) == (422, "invalid_request")
    assert problem["errors"] == [{"field": "seed", "message": "too long"}]


def test_a_long_detail_is_shortened() -> None:
    """The document of an error with a detail of any size has at most 4 KB."""
    problem = problem_of(ModelNotFound("\U0001f600" * 100_000))
    assert len(json.dumps(problem)) < 4_000
    assert problem["detail"].endswith("…")


@pytest.mark.parametrize("count", [20, 21, 1_000])
def test_at_most_twenty_problems_are_named(count: int) -> None:
    """The last of too many problems says how many further ones there are."""
    problem = problem_of(InvalidRequest([FieldProblem("f", "m")] * count))
    assert len(problem["errors"]) == 20
    said = problem["errors"][-1]["message"]
    assert said == ("m" if count == 20 else f"{count - 19} further problems")


def test_an_http_exception_keeps_its_status() -> None:
    """An error of Flask's own has a code made from the phrase of its status."""
    problem = problem_of(RequestEntityTooLarge())
    assert (problem["status"], problem["code"]) == (413, "request_entity_too_large")


def test_an_unexpected_error_is_logged_and_not_shown(caplog: pytest.LogCaptureFixture) -> None:
    """An error outside the table is a 500 whose cause stands in the log alone."""
    with caplog.at_level(logging.ERROR):
        problem = problem_of(ZeroDivisionError("a secret"))
    assert (problem["status"], problem["code"]) == (500, "internal_error")
    assert "a secret" not in problem["detail"]
    assert "a secret" in caplog.text


@pytest.mark.parametrize(
    ("error", "header", "value"),
    [
        (KeyRequired(), "WWW-Authenticate", "Bearer"),
        (QueueFull("full", retry_after=3), "Retry-After", "3"),
        (RateLimited("over", retry_after=7), "Retry-After", "7"),
        (MethodNotAllowed(["POST"]), "Allow", "POST"),
    ],
    ids=["key", "queue", "limit", "method"],
)
def test_a_refusal_has_the_headers_of_its_status(error: Exception, header: str, value: str) -> None:
    """The response of an error tells how to authenticate, when to try again, or which method."""
    status = problem_of(error)["status"]
    assert refusal(error, status, "{}", "application/json").headers[header] == value
