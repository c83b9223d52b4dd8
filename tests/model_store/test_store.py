"""Reading a store: names, versions, references, verification."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from model_store import (
    DamagedVersion,
    InvalidName,
    Manifest,
    ModelDescription,
    ModelNotFound,
    ModelStore,
    StoredModel,
    Vocabulary,
)
from tests.places import Place

Publish = Callable[[str], Manifest]


def test_a_missing_root_is_an_empty_store(store: ModelStore) -> None:
    """A store whose folder does not exist is empty, and the error says so."""
    assert store.names() == []
    assert store.versions("shakespeare") == []
    with pytest.raises(ModelNotFound, match="'shakespeare': the store is empty"):
        store.resolve("shakespeare")


def test_published_models_are_found(store: ModelStore, publish: Publish) -> None:
    """Names are sorted; versions ascend by number, not as text."""
    publish("zebra")
    for _ in range(10):
        publish("ant")
    assert store.names() == ["ant", "zebra"]
    assert store.versions("ant") == list(range(1, 11))


def test_a_published_version_opens(store: ModelStore, folder: Path, publish: Publish) -> None:
    """An opened version has the published manifest, files and vocabulary."""
    published = publish("abc")
    model = store.open("abc", 1)
    assert model.manifest == published == store.manifest("abc", 1)
    assert set(published.files) == {
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()
    }
    for path in published.files:
        assert model.file(path).read_bytes() == (folder / path).read_bytes()
    assert model.vocabulary == Vocabulary.from_text("abc")


def test_things_that_are_no_versions_are_ignored(
    store: ModelStore, place: Place, publish: Publish
) -> None:
    """Other folders and files in a store are neither names nor versions."""
    publish("abc")
    for path in ("abc/007", "abc/notes", "abc/0", "Upper/1", ".hidden/1", "abc/9/folder"):
        place.write(f"{path}/manifest.json", b"{}")
    place.write("abc/8", b"")
    place.write("README", b"")
    assert store.names() == ["abc"]
    assert store.versions("abc") == [1]
    assert store.versions("..") == store.versions("abc/../abc") == []


def test_references(store: ModelStore, publish: Publish) -> None:
    """A bare name means `production` or else the newest version; a reference may name version or alias."""
    for _ in range(3):
        publish("abc")
    assert store.resolve("abc") == ("abc", 3)
    store.aliases("abc").set("production", 2)
    store.aliases("abc").set("small", 1)
    assert store.resolve("abc") == store.resolve("abc@production") == ("abc", 2)
    assert store.resolve("abc@3") == ("abc", 3)
    assert store.resolve("abc@small") == ("abc", 1)


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("nope", "no model is called 'nope': there are abc"),
        ("../abc", "there are abc"),
        ("", "there are abc"),
        ("\ud800", "there are abc"),
        ("abc@7", "abc has no version 7: it has 1, 2"),
        ("abc@", "abc has no version or alias '': it has 1, 2, best"),
        ("abc@01", "no version or alias '01'"),
        ("abc@-1", "no version or alias '-1'"),
        ("abc@" + "9" * 5000, "no version or alias '999"),
        ("abc@1@1", "no version or alias '1@1'"),
    ],
)
def test_unknown_references(
    reference: str, message: str, store: ModelStore, publish: Publish
) -> None:
    """The error of an unknown reference names the reference and lists existing models or versions."""
    publish("abc")
    publish("abc")
    store.aliases("abc").set("best", 1)
    with pytest.raises(ModelNotFound, match=message):
        store.resolve(reference)


def test_an_alias_of_a_removed_version(store: ModelStore, place: Place, publish: Publish) -> None:
    """An alias of a deleted version is an error, and never means another version."""
    publish("abc")
    publish("abc")
    store.aliases("abc").set("production", 2)
    place.remove("abc/2")
    with pytest.raises(ModelNotFound, match="abc@production is version 2, which is gone"):
        store.resolve("abc")
    assert store.resolve("abc@1") == ("abc", 1)


@pytest.mark.parametrize("path", ["model.onnx", "saved_model/saved_model.pb", "vocabulary.json"])
def test_a_damaged_file_is_refused_by_name(
    path: str, store: ModelStore, place: Place, publish: Publish
) -> None:
    """A file that is changed, cut or missing is refused with its name."""
    publish("abc")
    file = f"abc/1/{path}"
    place.damage(file)
    with pytest.raises(DamagedVersion, match=rf"{path} is damaged .*: restore") as caught:
        store.open("abc", 1)
    assert str(caught.value.path) == f"{store.root}/{file}"
    place.write(file, b"shorts")
    with pytest.raises(DamagedVersion, match=rf"{path} has 6 bytes instead of"):
        store.open("abc", 1)
    place.remove(file)
    with pytest.raises(DamagedVersion, match=f"{path} is missing"):
        store.open("abc", 1)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b"{}", b"[" * 100_000])
def test_a_damaged_manifest_is_refused_by_name(
    content: bytes, store: ModelStore, place: Place, publish: Publish
) -> None:
    """A file that is no manifest is refused with its name, in one line."""
    publish("abc")
    place.write("abc/1/manifest.json", content)
    assert store.versions("abc") == [1]
    with pytest.raises(DamagedVersion, match=r"^\S*manifest\.json is no manifest .*$") as caught:
        store.open("abc", 1)
    assert "\n" not in str(caught.value)


def test_a_manifest_cannot_point_outside(store: ModelStore, place: Place, publish: Publish) -> None:
    """A manifest that lists a file outside its folder is refused."""
    publish("abc")
    content = json.loads(place.read("abc/1/manifest.json"))
    content["files"]["../2/model.onnx"] = content["files"].pop("model.onnx")
    place.write("abc/1/manifest.json", json.dumps(content).encode())
    with pytest.raises(DamagedVersion, match=r"manifest\.json is no manifest"):
        store.open("abc", 1)


def test_a_format_of_another_release_is_named(
    store: ModelStore, place: Place, publish: Publish
) -> None:
    """A manifest in a format that this release does not read is refused with the remedy."""
    publish("abc")
    content = json.loads(place.read("abc/1/manifest.json")) | {"format": 2, "metrics": []}
    place.write("abc/1/manifest.json", json.dumps(content).encode())
    with pytest.raises(
        DamagedVersion, match=r"manifest\.json has the format of another .*: update"
    ):
        store.manifest("abc", 1)


def test_a_moved_version_is_refused(store: ModelStore, place: Place, publish: Publish) -> None:
    """A version copied to another name is refused."""
    publish("abc")
    place.copy("abc/1", "other/1")
    with pytest.raises(DamagedVersion, match="is that of abc@1"):
        store.open("other", 1)


def test_a_mark_changes_with_the_files(store: ModelStore, place: Place, publish: Publish) -> None:
    """A version's mark is the same until a file changes, whatever happens to other versions."""
    publish("abc")
    publish("abc")
    before = store.mark("abc", 2)
    place.damage("abc/1/model.onnx")
    assert store.mark("abc", 2) == before
    place.damage("abc/2/model.onnx")
    assert store.mark("abc", 2) != before


def test_unlisted_files_are_ignored(store: ModelStore, place: Place, publish: Publish) -> None:
    """A file that the manifest does not list does not prevent opening, and is not returned."""
    publish("abc")
    place.write("abc/1/stray.onnx", b"?")
    model = store.open("abc", 1)
    with pytest.raises(DamagedVersion, match=r"abc@1 was published without stray\.onnx"):
        model.file("stray.onnx")


def test_only_the_wanted_files_are_checked(
    store: ModelStore, place: Place, publish: Publish
) -> None:
    """Only wanted files and folders are verified; other files are not available."""
    publish("abc")
    place.damage("abc/1/model.onnx")
    model = store.open("abc", 1, ["saved_model", "vocabulary.json", "unheard-of"])
    assert model.file("saved_model/saved_model.pb").read_bytes() == b"graph"
    assert model.vocabulary == Vocabulary.from_text("abc")
    with pytest.raises(ValueError, match=r"model\.onnx was not among the files"):
        model.file("model.onnx")


@pytest.mark.parametrize(
    ("text", "message"), [("no json", "holds no vocabulary"), ('{"symbols": ["a"]}', "length")]
)
def test_a_wrong_vocabulary_is_damage(
    text: str,
    message: str,
    store: ModelStore,
    folder: Path,
    description: ModelDescription,
) -> None:
    """An invalid vocabulary in a published version is refused at the first access."""
    (folder / "vocabulary.json").write_text(text, encoding="utf-8")
    store.publish("abc", folder, description)
    model: StoredModel = store.open("abc", 1)
    with pytest.raises(DamagedVersion, match=message):
        _ = model.vocabulary


@pytest.mark.parametrize("name", ["", "..", "a/b", "Upper", "-a", "a" * 65, "a\n", "ä", "a@1"])
def test_bad_names(
    name: str, store: ModelStore, place: Place, folder: Path, description: ModelDescription
) -> None:
    """Publishing under a name that breaks the naming rule is refused, and writes nothing."""
    with pytest.raises(InvalidName, match="cannot name a model: use 1 to 64"):
        store.publish(name, folder, description)
    with pytest.raises(InvalidName):
        store.aliases(name)
    assert not place.exists()
