"""The documents are complete, and the table of errors is too."""

import inspect
import json
import re
from pathlib import Path
from typing import get_args

import pytest

import model_store
from service import errors
from service.api.schemas import GenerateRequest
from service.environment import variable
from service.http.errors import STATUS
from service.settings import Settings
from tests.servers import ROOT, Service
from training.config import TrainingConfig

README = (ROOT / "README.md").read_text(encoding="utf-8")
API, CONFIGURATION, TRAINING = (
    (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")
    for name in ("api", "configuration", "training")
)
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "deploy/README.md")),
    *sorted((ROOT / "docs").glob("*.md")),
]
PATH = re.compile(r"`((?:service|model_store|training|tests|deploy|docs)/[\w/-]+\.\w+)`")
LINK = re.compile(r"\]\((?!https?:)([^)#]*)#?([^)]*)\)")
ROOMS = sorted(
    path.parent.relative_to(ROOT)
    for package in ("service", "model_store", "training")
    for pattern in ("__init__.py", "*/__init__.py")
    for path in (ROOT / package).glob(pattern)
)
SERVICE_ERRORS = [
    error
    for _, error in inspect.getmembers(errors, inspect.isclass)
    if issubclass(error, errors.ServiceError) and error is not errors.ServiceError
]


def test_every_setting_is_in_the_configuration_guide() -> None:
    """The guide has one row for each setting, with its default, and a row for no other."""
    shown = [row for row in _rows(CONFIGURATION) if not row[0].startswith("OTEL_")]
    assert sorted(shown) == sorted(
        (
            variable(name),
            "–" if field.default is None else str(field.default).removesuffix(".0"),
        )
        for name, field in Settings.model_fields.items()
    )


def test_every_field_of_a_request_is_in_the_api_guide() -> None:
    """The guide has one row for each field of `POST /generate`, with its default as JSON."""
    assert _rows(API) == [
        (name, "required" if field.is_required() else json.dumps(field.default))
        for name, field in GenerateRequest.model_fields.items()
    ]


def test_the_readme_shows_what_the_bundled_model_writes(running_service: Service) -> None:
    """Each sample of the README is the beginning of that request's text, on every processor."""
    (row,) = [line for line in README.splitlines() if line.startswith("| ROMEO:")]
    samples = [cell.strip().replace("<br>", "\n") for cell in row.strip("|").split("|")]
    for sample, temperature in zip(samples, (0.5, 1.0), strict=True):
        answer = running_service.generate(
            model="shakespeare", seed="ROMEO:", temperature=temperature, length=len(sample)
        ).json
        assert (answer["seed"] + answer["text"]).startswith(sample)


@pytest.mark.parametrize("key", TrainingConfig.model_fields)
def test_every_configuration_key_is_in_the_training_guide(key: str) -> None:
    """The guide has one row for every key, with its default, its choices, meaning and advice."""
    (row,) = [line for line in TRAINING.splitlines() if line.startswith(f"| `{key}` |")]
    _, _, default, meaning, advice, _ = [cell.strip() for cell in row.split("|")]
    field = TrainingConfig.model_fields[key]
    assert default == f"`{field.default}`"
    assert all(f"`{choice}`" in meaning for choice in get_args(field.annotation))
    assert advice


@pytest.mark.parametrize("room", ROOMS, ids=str)
def test_every_room_is_in_the_readme(room: Path) -> None:
    """The README's tree has a line for every room, below its package."""
    assert room in _tree(README)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_path_and_link_leads_somewhere(page: Path) -> None:
    """A document names only files that exist, and links only to headings that exist."""
    text = page.read_text(encoding="utf-8")
    assert [path for path in PATH.findall(text) if not (ROOT / path).is_file()] == []
    for path, anchor in LINK.findall(text):
        target = page.parent / path if path else page
        assert target.is_file(), path
        assert not anchor or anchor in _anchors(target.read_text(encoding="utf-8")), anchor


@pytest.mark.parametrize("error", SERVICE_ERRORS, ids=lambda error: error.__name__)
def test_every_error_has_a_status(error: type[Exception]) -> None:
    """Every error of the service has a status and a code."""
    status, code = STATUS[error]
    assert 400 <= status <= 504
    assert code


@pytest.mark.parametrize(
    "error",
    [
        model_store.AliasError,
        model_store.DamagedVersion,
        model_store.ModelNotFound,
        model_store.StoreUnavailable,
        model_store.UnreadableModel,
    ],
)
def test_store_errors_on_the_way_of_a_request_have_a_status(error: type[Exception]) -> None:
    """Every store error that a request can meet has a status."""
    assert error in STATUS


def _rows(document: str) -> list[tuple[str, str]]:
    """Return name and default of each table row that begins with a name in code."""
    return re.findall(r"^\| `(\w+)` \| `?(.+?)`? \| .+ \|$", document, re.MULTILINE)


def _tree(document: str) -> set[Path]:
    """Return the folders of a tree in a document: `parent/`, and indented below it `child/`."""
    folders, parent = set(), Path()
    for indent, name in re.findall(r"^( {2})?(\w+)/ ", document, re.MULTILINE):
        parent = parent if indent else Path(name)
        folders.add(parent / name if indent else parent)
    return folders


def _anchors(document: str) -> set[str]:
    """Return the anchors of a document's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", document, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}
