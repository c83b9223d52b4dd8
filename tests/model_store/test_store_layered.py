"""Several stores seen as one."""

from pathlib import Path

import pytest

from model_store import LayeredStore, ModelDescription, ModelNotFound, ModelStore


@pytest.fixture
def layers(tmp_path: Path, folder: Path, description: ModelDescription) -> list[ModelStore]:
    """Return an owner's store with `abc`, and a bundled store with two versions of `abc` and `faust`."""
    owner, bundled = ModelStore(tmp_path / "owner"), ModelStore(tmp_path / "bundled")
    bundled.publish("abc", folder, description)
    bundled.publish("abc", folder, description)
    bundled.publish("faust", folder, description)
    (folder / "card.md").write_text("Mine.", encoding="utf-8")
    owner.publish("abc", folder, description)
    return [owner, bundled]


def test_the_first_store_owns_a_name(layers: list[ModelStore]) -> None:
    """The first store with a name owns the name; versions of later stores are hidden."""
    owner, bundled = layers
    both = LayeredStore(layers)
    assert both.names() == ["abc", "faust"]
    assert both.versions("abc") == [1]
    assert both.manifest("abc", 1) == owner.manifest("abc", 1)
    assert both.open("abc", 1).folder == Path(owner.root) / "abc" / "1"
    assert both.open("faust", 1).folder == Path(bundled.root) / "faust" / "1"
    with pytest.raises(ModelNotFound, match="abc has no version 2"):
        both.open("abc", 2)


def test_a_half_published_version_owns_nothing(layers: list[ModelStore]) -> None:
    """A folder without a complete version does not hide a later store."""
    owner, bundled = layers
    (Path(owner.root) / "faust" / "1").mkdir(parents=True)
    assert LayeredStore(layers).open("faust", 1).folder == Path(bundled.root) / "faust" / "1"


def test_references_use_the_owner(layers: list[ModelStore]) -> None:
    """References and aliases are resolved in the store that owns the name."""
    _, bundled = layers
    bundled.aliases("abc").set("old", 1)
    bundled.aliases("faust").set("old", 1)
    both = LayeredStore(layers)
    assert both.resolve("abc") == ("abc", 1)
    assert both.resolve("faust@old") == ("faust", 1)
    assert both.aliases("faust").all() == {"old": 1}
    with pytest.raises(ModelNotFound, match="abc has no version or alias 'old'"):
        both.resolve("abc@old")


def test_an_unknown_name_lists_all_stores(layers: list[ModelStore]) -> None:
    """The error of an unknown name lists the names of every store."""
    both = LayeredStore(layers)
    assert both.versions("nope") == []
    for ask in (both.resolve, both.aliases):
        with pytest.raises(ModelNotFound, match="no model is called 'nope': there are abc, faust"):
            ask("nope")
