"""The OpenAPI document is valid, complete and true, and its page loads nothing from elsewhere."""

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import closing
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from service import __version__
from service.app import Charloom, create_app
from service.http.errors import STATUS
from service.http.openapi import PLACEHOLDER
from service.keys import hash_of
from service.settings import Settings
from tests.servers import ROOT, Service, serving

# Files that only browsers fetch are not documented.
PAGES = {"/", "/docs.css"}
MAX_LENGTH = 20
KEY = "charloom_of_this_test"


@pytest.fixture(scope="module")
def app(store: Path) -> Iterator[Charloom]:
    """The application, for its list of routes."""
    app = create_app(Settings(store=str(store), model="tiny"))
    yield app
    app.close()


@pytest.fixture
def spec(service: Service) -> Any:
    """The document of the running service."""
    return service.get("/openapi.json").json


def test_the_document_is_valid(spec: Any) -> None:
    """The document is OpenAPI 3.1 by the validator of that specification."""
    assert spec["openapi"].startswith("3.1")
    OpenAPIV31SpecValidator(spec).validate()


def test_every_route_is_described(app: Charloom, spec: Any) -> None:
    """The document has exactly the routes and methods of the application.

    A new route needs `@documented(Operation(…))` below `@routes.get(…)`, see CONTRIBUTING.md.
    """
    routes = {
        (PLACEHOLDER.sub(r"{\g<name>}", rule.rule), method.lower())
        for rule in app.url_map.iter_rules()
        if rule.rule not in PAGES and not rule.rule.startswith("/static/")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    described = {(path, method) for path, methods in spec["paths"].items() for method in methods}
    assert routes == described


def test_every_error_is_described(spec: Any) -> None:
    """The document has each status and code of the table of errors, with its meaning."""
    shown = {
        (int(status), code)
        for operations in spec["paths"].values()
        for operation in operations.values()
        for status, response in operation["responses"].items()
        for code in re.findall(r"(\w+): [A-Z]", response["description"])
    }
    assert set(STATUS.values()) <= shown


def test_the_version_is_the_packages(spec: Any) -> None:
    """The document names the version that pyproject.toml gives to the package."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["dynamic"] == ["version"]
    assert project["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "service.__version__"}
    assert spec["info"]["version"] == __version__


def test_the_limits_are_this_services(store: Path) -> None:
    """The document shows the limits of the settings, and the defaults that follow lower limits."""
    app = create_app(Settings(store=str(store), model="tiny", max_length=20, max_seed_chars=30))
    with closing(app):
        spec: Any = app.test_client().get("/openapi.json").json
    own, openai = (
        spec["components"]["schemas"][name]["properties"]
        for name in ("GenerateRequest", "CompletionRequest")
    )
    assert (own["length"]["maximum"], own["length"]["default"]) == (20, 20)
    assert (openai["max_tokens"]["maximum"], openai["max_tokens"]["default"]) == (20, 16)
    assert own["seed"]["maxLength"] == 30


@pytest.mark.parametrize(("keys", "asked"), [((), []), ((f"anna:{'0' * 64}",), [{"key": []}])])
def test_a_key_is_asked_for_where_there_are_keys(
    store: Path, keys: tuple[str, ...], asked: list[dict[str, list[str]]]
) -> None:
    """In the document a closed route requires a key if the service has keys; an open route never."""
    app = create_app(Settings(store=str(store), model="tiny", keys=keys or None))
    with closing(app):
        spec: Any = app.test_client().get("/openapi.json").json
    OpenAPIV31SpecValidator(spec).validate()
    assert spec["paths"]["/generate"]["post"].get("security", []) == asked
    assert "security" not in spec["paths"]["/healthz"]["get"]


@pytest.mark.slow
def test_the_service_does_what_the_document_says(store: Path, tmp_path: Path) -> None:
    """Requests made from the document get no 5xx and no response that the document lacks."""
    guarded: dict[str, Any] = {"keys": f"anna:{hash_of(KEY)}", "max_length": MAX_LENGTH}
    with serving(tmp_path / "log", store=store, model="tiny", **guarded) as service:
        done = subprocess.run(
            [
                *(Path(sys.executable).parent / "schemathesis", "run"),
                f"http://127.0.0.1:{service.port}/openapi.json",
                *("--header", f"Authorization: Bearer {KEY}"),
                *("--checks", "all", "--exclude-checks", "positive_data_acceptance"),
                *("--phases", "examples,coverage,fuzzing"),
                *("--max-examples", "25", "--seed", "1", "--no-shrink", "--no-color"),
            ],
            cwd=tmp_path,
            env=os.environ | {"SCHEMATHESIS_HOOKS": "tests.fuzz_hooks", "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        metrics = service.request("GET", "/metrics", headers={"Authorization": f"Bearer {KEY}"})
    assert done.returncode == 0, done.stdout + done.stderr
    made = re.search(
        rb'requests_total{method="POST",route="/generate",status="200"} (\d+)', metrics.body
    )
    assert made
    assert int(made[1]) >= 10, "hardly a text was made"


class Page(HTMLParser):
    """The ids, links and inline parts of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: set[str] = set()
        self.inline: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = dict(attrs)
        self.ids |= {names["id"] or ""} if "id" in names else set()
        self.links |= {value or "" for name, value in attrs if name in ("href", "src")}
        self.inline += [tag] if tag in ("script", "style") and "src" not in names else []
        self.inline += [name for name in names if name == "style" or name.startswith("on")]


def test_the_page_describes_every_route(service: Service, spec: Any) -> None:
    """The page has a section for each operation and schema, and every link leads to a section."""
    page = Page(service.get("/docs").body.decode())
    operations = [each for methods in spec["paths"].values() for each in methods.values()]
    assert {each["operationId"] for each in operations} <= page.ids
    assert set(spec["components"]["schemas"]) <= page.ids
    assert {link[1:] for link in page.links if link.startswith("#")} <= page.ids


def test_the_page_needs_nothing_from_elsewhere(service: Service) -> None:
    """The page has no inline script or style, and links only to paths beside the page, below any prefix."""
    page = Page(service.get("/docs").body.decode())
    assert page.inline == []
    linked = [link for link in page.links if not link.startswith("#")]
    assert linked
    for link in linked:
        assert not link.startswith("/")
        assert service.get(f"/{link}").status == 200
