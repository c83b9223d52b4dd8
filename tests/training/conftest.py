"""The fixtures of the tests of the training job."""

from pathlib import Path

import pytest

from model_store import ModelStore
from tests.training.small import ENGLISH, Training, small_config
from training.publishing.publish import publish


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Training:
    """A trained model, to be read only: three epochs over English, with a long held-out part."""
    config = small_config(epochs=3, validation_fraction=0.5, units=24)
    return Training(tmp_path_factory.mktemp("run"), ENGLISH[:16_000], config).fit()


@pytest.fixture(scope="session")
def published(trained: Training, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store to read only, with the trained model as version 1 of `small`."""
    root = tmp_path_factory.mktemp("published")
    parts = (trained.corpus, trained.text, trained.vocabulary)
    publish(trained.run, "small", *parts, ModelStore(root))
    return root


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """A small English text."""
    path = tmp_path / "some text.txt"
    path.write_text(ENGLISH[:5000], encoding="utf-8")
    return path
