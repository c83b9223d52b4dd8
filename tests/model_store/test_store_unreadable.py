"""A store in which single models, versions or everything cannot be read."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from model_store import (
    Faults,
    LayeredStore,
    ModelDescription,
    ModelStore,
    StoreUnavailable,
    UnreadableModel,
)
from tests.unprivileged import unprivileged


@pytest.fixture
def root(folder: Path, description: ModelDescription) -> Iterator[Path]:
    """Return the root of a store with two versions of `abc` and of `other`."""
    # The export is read as its owner, before the user changes.
    files = {
        path.relative_to(folder): path.read_bytes()
        for path in folder.rglob("*.*")
        if path.is_file()
    }
    with unprivileged() as place:
        for path, data in files.items():
            (place / "export" / path).parent.mkdir(parents=True, exist_ok=True)
            (place / "export" / path).write_bytes(data)
        for name in ("abc", "abc", "other", "other"):
            ModelStore(place / "models").publish(name, place / "export", description)
        yield place / "models"


def test_a_folder_without_permission_is_a_fault_of_its_model(root: Path) -> None:
    """The model is listed, every question about the model names the folder, other models go on."""
    (root / "abc").chmod(0)
    store = LayeredStore([ModelStore(root)])
    assert store.names() == ["abc", "other"]
    assert store.resolve("other") == ("other", 2)
    for ask in (store.versions, store.resolve, store.aliases):
        with pytest.raises(UnreadableModel, match=r"abc cannot be read \(Permission denied\)"):
            ask("abc")


def test_a_version_without_permission_stays_the_newest(root: Path) -> None:
    """A version that cannot be read does not give way to an older version, which stays readable."""
    (root / "abc" / "2").chmod(0)
    store = ModelStore(root)
    assert store.resolve("abc") == ("abc", 2)
    assert store.manifest("abc", 1).version == 1
    with pytest.raises(UnreadableModel, match=r"2/manifest\.json cannot be read"):
        store.manifest("abc", 2)


def test_a_file_without_permission_is_named(root: Path) -> None:
    """A served file that cannot be read is named, with the reason."""
    (root / "abc" / "1" / "model.onnx").chmod(0)
    with pytest.raises(UnreadableModel, match=r"model\.onnx cannot be read \(Permission denied\)"):
        ModelStore(root).open("abc", 1)


def test_a_root_without_permission_is_a_fault_of_the_store(root: Path) -> None:
    """If the root cannot be read, the whole store is unavailable, and no model is at fault."""
    root.chmod(0)
    store, faults = ModelStore(root), Faults()
    for ask in (store.names, lambda: store.versions("abc"), lambda: store.resolve("abc")):
        with pytest.raises(StoreUnavailable, match="models cannot be read"), faults.of("abc"):
            ask()
    assert faults == []
