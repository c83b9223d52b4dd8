"""`python -m training compare` shows versions side by side."""

import shutil
from pathlib import Path

import pytest

import training.__main__ as command
from model_store import ModelStore
from tests.factories import publish_random_model
from tests.training.small import Training


@pytest.fixture(scope="module")
def store(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with two versions of a trained model, and an older version without epochs."""
    root = tmp_path_factory.mktemp("compared")
    store = ModelStore(root / "store")
    manifest = ModelStore(published).manifest("small", 1)
    files = shutil.copytree(published / "small" / "1", root / "files")
    (files / "manifest.json").unlink()
    for _ in range(2):
        store.publish("small", files, manifest)
    publish_random_model(root / "store", "old")
    return root / "store"


def compared(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *words: str
) -> str:
    monkeypatch.setenv("COLUMNS", "120")
    assert command.main(["compare", *words]) == 0
    return capsys.readouterr().out


def test_metrics_stand_side_by_side(
    store: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each version has a column, and each metric, baselines included, has a row."""
    said = compared(capsys, monkeypatch, "small@1", "small@2", "--store", str(store))
    metrics = ModelStore(store).manifest("small", 1).metrics
    head = next(line for line in said.splitlines() if "small@1" in line)
    assert "small@2" in head
    for name in ("validation_nats", "int8_nats", "5-gram_nats", "xz_nats"):
        (line,) = [line for line in said.splitlines() if f" {name} " in line]
        assert line.count(f"{metrics[name]:.5g}") == 2
    assert f"{metrics['logit_error']:.5g}" in said  # a small number is not shown as 0
    assert "different texts" not in said
    assert "The configurations are the same." in said


def test_a_sample_of_each_is_shown(
    store: Path,
    trained: Training,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The sample of the best epoch at temperature 0.5 is shown unchanged."""
    said = compared(capsys, monkeypatch, "small@1", "--store", str(store))
    assert "small@1, temperature 0.5:" in said
    assert trained.run.best.samples["0.5"].strip().splitlines()[0] in said


def test_other_corpora_are_not_comparable(
    store: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Versions of different texts compare too, with a warning about their losses."""
    references = ("small", "old", "shakespeare")
    said = compared(capsys, monkeypatch, *references, "--store", str(store))
    assert "The losses are over different texts" in said
    (corpora,) = [line for line in said.splitlines() if line.startswith("│ corpus ")]
    assert "small.txt, 16,000 characters" in corpora
    assert "shakespeare, 1,115,394 characters" in corpora
    _, configuration = said.split("configuration, where it differs")
    assert " units " in configuration


def test_the_curves_are_one_picture(
    store: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """`--picture` draws the versions that have epochs."""
    picture = tmp_path / "both.png"
    words = ("small@1", "small@2", "--store", str(store), "--picture", str(picture))
    assert f"wrote {picture}" in compared(capsys, monkeypatch, *words).replace("\n", "")
    assert picture.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    assert picture.stat().st_size > 10_000


def test_an_unknown_version_is_named(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A version that the store lacks is an error of one line."""
    assert command.main(["compare", "small@9", "--store", str(store)]) == 2
    assert capsys.readouterr().err.startswith("training: ")
