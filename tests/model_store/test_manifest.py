"""The validation of a manifest."""

import hashlib
import math
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from model_store import FileEntry, Manifest, ModelDescription, Parent
from model_store.manifest import digest_of, is_file_path

SHA = "a" * 64


def manifest(description: ModelDescription, path: str = "a.txt", **changes: Any) -> Manifest:
    """Return a manifest of one file."""
    files = {path: FileEntry(sha256=SHA, size=1)}
    identity: dict[str, object] = {"name": "x", "version": 1, "created": datetime.now(UTC)}
    content: dict[str, object] = {"files": files, "digest": digest_of(files)}
    return Manifest.model_validate(dict(description) | identity | content | changes)


def test_digest_is_over_the_sorted_lines() -> None:
    """The digest is the SHA-256 over the sorted lines `path sha256 size`."""
    files = {"b": FileEntry(sha256=SHA, size=2), "a/c": FileEntry(sha256=SHA, size=1)}
    expected = hashlib.sha256(f"a/c {SHA} 1\nb {SHA} 2\n".encode()).hexdigest()
    assert digest_of(files) == expected


def test_manifest_survives_json(description: ModelDescription) -> None:
    """A manifest survives the way through JSON, tuples of the training configuration included."""
    made = manifest(description)
    assert made.training["betas"] == [0.9, 0.95]
    assert Manifest.model_validate_json(made.model_dump_json()) == made


def test_the_parent_may_be_named(description: ModelDescription) -> None:
    """A fine-tuned version names its parent; a manifest without the field is valid."""
    made = manifest(description, parent={"name": "elder", "version": 3, "digest": SHA})
    assert made.parent == Parent(name="elder", version=3, digest=SHA)
    assert Manifest.model_validate_json(made.model_dump_json()) == made
    values = manifest(description).model_dump(mode="json")
    del values["parent"]
    assert Manifest.model_validate(values).parent is None


@pytest.mark.parametrize(
    "path",
    ["", ".", "..", "../a", "a/../b", "/a", "a//b", "./a", "a/", "a\\b", "a\nb", "manifest.json"],
)
def test_paths_out_of_the_folder_are_refused(path: str, description: ModelDescription) -> None:
    """A path is refused if it leaves the folder, is not in normal form, or is the manifest."""
    assert not is_file_path(path)
    with pytest.raises(ValidationError):
        manifest(description, path)


@pytest.mark.parametrize(
    "change",
    [
        {"name": "../x"},
        {"version": 0},
        {"format": 2},
        {"digest": SHA},
        {"files": {}, "digest": hashlib.sha256().hexdigest()},
        {"created": "2020-01-01T00:00:00"},
    ],
)
def test_a_contradiction_is_refused(change: dict[str, Any], description: ModelDescription) -> None:
    """A manifest with a wrong field or a wrong digest is refused."""
    with pytest.raises(ValidationError):
        manifest(description, **change)


def test_a_field_of_a_later_release_is_ignored(description: ModelDescription) -> None:
    """A manifest with fields that this release does not know is read without these fields."""
    made = manifest(description)
    values = made.model_dump(mode="json")
    values["later"] = values["architecture"]["later"] = values["corpus"]["later"] = 1
    assert Manifest.model_validate(values) == made


def test_numbers_that_json_lacks(description: ModelDescription) -> None:
    """A number that JSON cannot represent is refused."""
    content = dict(description)
    for change in ({"metrics": {"validation_nats": math.nan}}, {"training": {"clip": math.inf}}):
        with pytest.raises(ValidationError):
            ModelDescription(**content | change)
