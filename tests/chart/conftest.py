"""The documents of the chart with each file of values."""

from pathlib import Path

import pytest

from tests.chart.helm import VALUES, Document, render


@pytest.fixture(scope="session", params=VALUES, ids=lambda path: path.stem)
def documents(request: pytest.FixtureRequest) -> list[Document]:
    """The documents of the chart with one of the files of values."""
    values: Path = request.param
    return render("--values", str(values))
