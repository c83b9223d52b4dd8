"""A store in a folder and on S3, and a small model to publish."""

from collections.abc import Callable
from pathlib import Path

import pytest

from model_store import Architecture, Corpus, Manifest, ModelDescription, ModelStore, Vocabulary
from tests.places import Place


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ModelStore:
    """Return a store whose root does not exist yet, once in a folder and once on S3."""
    if request.param == "folder":
        return ModelStore(tmp_path / "models")
    return ModelStore(f"{request.getfixturevalue('s3').new_bucket()}/models")


@pytest.fixture
def place(store: ModelStore) -> Place:
    """Return the store's files, which a test can read and damage."""
    return Place(store.root)


@pytest.fixture
def description() -> ModelDescription:
    """Return a publisher's description of the model in `folder`."""
    return ModelDescription(
        architecture=Architecture(cell="lstm", layers=3, units=512, embedding=64),
        vocabulary_size=3,
        corpus=Corpus(name="abc", sha256="0" * 64, characters=1000),
        training={"epochs": 2, "betas": (0.9, 0.95), "clip": None},
        libraries={"keras": "3.0"},
        metrics={"validation_nats": 1.5},
        git_commit=None,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder as an export would leave it, one file in a folder of its own."""
    made = tmp_path / "export"
    (made / "saved_model").mkdir(parents=True)
    (made / "model.int8.onnx").write_bytes(bytes(range(256)))
    (made / "model.onnx").write_bytes(bytes(1024))
    (made / "saved_model" / "saved_model.pb").write_bytes(b"graph")
    (made / "vocabulary.json").write_text(Vocabulary.from_text("abc").to_json(), encoding="utf-8")
    (made / "card.md").write_text("A model.", encoding="utf-8")
    return made


@pytest.fixture
def publish(
    store: ModelStore, folder: Path, description: ModelDescription
) -> Callable[[str], Manifest]:
    """Return a function that publishes the small model under a name."""
    return lambda name: store.publish(name, folder, description)
