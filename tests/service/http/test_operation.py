"""An operation becomes its entry in the OpenAPI document."""

import pytest

from service.api.schemas import Health, Problem
from service.errors import QueueFull
from service.http.media_types import JSON, PROBLEM
from service.http.openapi import Route, document
from service.http.operation import Operation, ResponseBody, documented, operation_of
from service.http.routes.generate import GENERATE
from service.http.routes.openai import COMPLETIONS
from service.settings import Settings

SHOW = Operation(
    "Show a thing", "things", {JSON: ResponseBody(Health, {"status": "alive"})}, errors=[QueueFull]
)
SETTINGS = Settings(keys=(f"anna:{'0' * 64}",))


def entry(operation: Operation, *, is_open: bool = False) -> dict:
    """Return the entry of a route in the document.

    The document writes the limits of the service into the schemas of two other routes' bodies.
    """
    routes = [
        Route("/things/<name>/<int:number>", "GET", operation, is_open),
        Route("/generate", "POST", GENERATE, is_open=False),
        Route("/v1/completions", "POST", COMPLETIONS, is_open=False),
    ]
    paths: dict = document(routes, SETTINGS)["paths"]
    made: dict = paths["/things/{name}/{number}"]["get"]
    return made


def test_a_view_keeps_its_operation() -> None:
    """The decorator changes nothing of a view but what the document says about the view."""

    @documented(SHOW)
    def show() -> str:
        return "shown"

    assert show() == "shown"
    assert operation_of(show) is SHOW
    assert operation_of(entry) is None


def test_the_parameters_of_the_path_have_types() -> None:
    """A placeholder of the rule becomes a parameter with the type of its converter."""
    parameters = entry(SHOW)["parameters"]
    assert [(each["name"], each["schema"]["type"]) for each in parameters] == [
        ("name", "string"),
        ("number", "integer"),
    ]


@pytest.mark.parametrize(
    ("is_open", "statuses"), [(False, {"200", "401", "422", "429"}), (True, {"200", "429"})]
)
def test_a_closed_route_may_refuse_for_its_key(is_open: bool, statuses: set[str]) -> None:
    """The entry of a closed route has the errors of the admission and asks for the key."""
    made = entry(SHOW, is_open=is_open)
    assert set(made["responses"]) == statuses
    assert ("security" in made) is not is_open
    codes = set(made["responses"]["429"]["content"][PROBLEM]["examples"])
    assert codes == ({"queue_full"} if is_open else {"queue_full", "rate_limited"})


def test_an_error_has_the_schema_of_problems() -> None:
    """The response of an error refers to the schema of problem documents and says when to retry."""
    response = entry(SHOW)["responses"]["429"]
    reference = response["content"][PROBLEM]["schema"]["$ref"]
    assert reference == f"#/components/schemas/{Problem.__name__}"
    assert "Retry-After" in response["headers"]
