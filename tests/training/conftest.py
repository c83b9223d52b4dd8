"""One trained model that the tests of the training job share; they only read it."""

import pytest

from tests.training.small import ENGLISH, Training, small_config


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Training:
    """Three epochs over English text, with a long held-out part."""
    config = small_config(epochs=3, validation_fraction=0.8, units=24)
    return Training(tmp_path_factory.mktemp("run"), ENGLISH[:42_000], config).fit()
