"""The fixtures of the tests of the training job."""

from pathlib import Path

import pytest

from tests.training.small import ENGLISH, Training, small_config


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Training:
    """A trained model, to be read only: three epochs over English, with a long held-out part."""
    config = small_config(epochs=3, validation_fraction=0.8, units=24)
    return Training(tmp_path_factory.mktemp("run"), ENGLISH[:42_000], config).fit()


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """A small English text."""
    path = tmp_path / "some text.txt"
    path.write_text(ENGLISH[:5000], encoding="utf-8")
    return path
