"""What the documents and tables say is complete."""

import inspect
from pathlib import Path
from typing import get_args

import pytest

import model_store
from service import errors
from service.http.errors import STATUS
from service.settings import Settings
from tests.servers import ROOT, Service
from training.config import TrainingConfig

README = (ROOT / "README.md").read_text(encoding="utf-8")
TRAINING = (ROOT / "docs" / "training.md").read_text(encoding="utf-8")
MODULES = sorted(
    path
    for room in ("service", "model_store", "training")
    for path in (ROOT / room).glob("*.py")
    if path.name != "__init__.py"
)
SERVICE_ERRORS = [
    error
    for _, error in inspect.getmembers(errors, inspect.isclass)
    if issubclass(error, errors.ServiceError) and error is not errors.ServiceError
]


@pytest.mark.parametrize("setting", Settings.model_fields)
def test_every_setting_is_in_the_readme(setting: str) -> None:
    """The README's table names every setting with its default."""
    variable = f"| `CHARLOOM_{setting.upper()}` |"
    (row,) = [line for line in README.splitlines() if line.startswith(variable)]
    default = Settings.model_fields[setting].default
    shown = row.split("|")[2].strip().strip("`")
    assert shown == "–" if default is None else shown == str(default).removesuffix(".0")


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


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_is_in_the_readme(path: Path) -> None:
    """The README's tree has a line for every module."""
    assert path.name in README


@pytest.mark.parametrize("error", SERVICE_ERRORS, ids=lambda error: error.__name__)
def test_every_error_has_a_status(error: type[Exception]) -> None:
    """Whatever the service fails with has a status and a code of its own."""
    status, code = STATUS[error]
    assert 400 <= status <= 504
    assert code


@pytest.mark.parametrize(
    "error", [model_store.ModelNotFound, model_store.DamagedVersion, model_store.StoreUnavailable]
)
def test_store_errors_on_the_way_of_a_request_have_a_status(error: type[Exception]) -> None:
    """The store's errors that a request can meet have one too."""
    assert error in STATUS
