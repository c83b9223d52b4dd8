"""Aliases: setting, rollback, and concurrent writers."""

import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import model_store
from model_store import AliasError, Aliases, InvalidName, Manifest, ModelNotFound, ModelStore
from tests.places import Place

SET_MANY = """
import sys
from model_store import ModelStore

for number in range(5):
    ModelStore(sys.argv[1]).aliases("abc").set(f"{sys.argv[2]}-{number}", 1)
"""


@pytest.fixture
def aliases(store: ModelStore, publish: Callable[[str], Manifest]) -> Aliases:
    """Return the aliases of a model with three versions."""
    for _ in range(3):
        publish("abc")
    return store.aliases("abc")


def test_an_alias_points_where_it_was_set(aliases: Aliases) -> None:
    """An alias points at the version that was set last, and at none before."""
    assert aliases.get("production") is None
    assert aliases.all() == {}
    aliases.set("production", 1)
    aliases.set("best", 3)
    aliases.set("production", 2)
    assert aliases.get("production") == 2
    assert aliases.all() == {"best": 3, "production": 2}


def test_rollback_walks_back(aliases: Aliases) -> None:
    """Each rollback goes one version further back, until no earlier version is left."""
    for version in (3, 1, 1, 2):
        aliases.set("production", version)
    assert [aliases.rollback("production") for _ in range(2)] == [1, 3]
    with pytest.raises(AliasError, match="abc@production has no earlier version"):
        aliases.rollback("production")
    assert aliases.get("production") == 3


def test_rollback_passes_over_removed_versions(place: Place, aliases: Aliases) -> None:
    """A rollback skips removed versions."""
    for version in (1, 2, 3):
        aliases.set("production", version)
    place.remove("abc/2")
    assert aliases.rollback("production") == 1


def test_rollback_of_nothing(store: ModelStore, aliases: Aliases) -> None:
    """A rollback of an unset alias or of an unknown model is an error."""
    with pytest.raises(AliasError, match="abc has no alias 'best': set it first"):
        aliases.rollback("best")
    with pytest.raises(AliasError, match="nope has no alias"):
        store.aliases("nope").rollback("best")


def test_an_alias_needs_a_version_that_exists(store: ModelStore, aliases: Aliases) -> None:
    """An alias of a missing version or of a missing model is refused."""
    with pytest.raises(ModelNotFound, match="abc has no version 4: it has 1, 2, 3"):
        aliases.set("production", 4)
    with pytest.raises(ModelNotFound, match="nope has no version 1"):
        store.aliases("nope").set("production", 1)
    assert aliases.all() == {}


@pytest.mark.parametrize("alias", ["12", "", "a b", "a@b", "../x", "Best"])
def test_bad_alias_names(alias: str, aliases: Aliases) -> None:
    """An alias that is all digits or breaks the naming rule is refused."""
    with pytest.raises(InvalidName, match="cannot be an alias"):
        aliases.set(alias, 1)


@pytest.mark.parametrize("content", [b"", b"[]", b'{"a": []}', b'{"a": [0]}', b"\xff"])
def test_a_damaged_file_is_named(content: bytes, place: Place, aliases: Aliases) -> None:
    """A damaged aliases.json is an error that names the file; the file is not overwritten."""
    place.write("abc/aliases.json", content)
    with pytest.raises(AliasError, match=r"abc/aliases\.json is not a list of aliases: restore"):
        aliases.get("production")
    with pytest.raises(AliasError):
        aliases.set("production", 1)
    assert place.read("abc/aliases.json") == content


def test_writers_at_once_lose_nothing(store: ModelStore, aliases: Aliases) -> None:
    """No alias is lost when threads and processes set aliases at the same time."""
    environment = os.environ | {"PYTHONPATH": str(Path(model_store.__file__).parents[1])}
    command = [sys.executable, "-c", SET_MANY, store.root]
    others = [subprocess.Popen([*command, name], env=environment) for name in ("x", "y")]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: aliases.set(f"thread-{number}", 1), range(5)))
    for process in others:
        with process:
            assert process.wait(timeout=60) == 0
    expected = {f"{who}-{number}" for who in ("x", "y", "thread") for number in range(5)}
    assert set(aliases.all()) == expected
