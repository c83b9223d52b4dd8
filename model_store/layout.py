"""The layout of a store: `<root>/<name>/<version>/manifest.json`."""

from collections.abc import Iterable

from model_store.contents import MANIFEST
from model_store.names import is_name, parse_version
from model_store.storage import Storage


def model_names(storage: Storage) -> list[str]:
    """Return the sorted names of the folders that may hold a model."""
    return sorted(filter(is_name, storage.folders("")))


def claimed_versions(storage: Storage, name: str) -> list[int]:
    """Return every claimed version number of a model, complete or not, ascending."""
    return _numbers(storage.folders(name))


def complete_versions(storage: Storage, name: str) -> list[int]:
    """Return the versions that have a manifest, ascending."""
    return _numbers(storage.folders(name, holding=MANIFEST))


def _numbers(names: Iterable[str]) -> list[int]:
    return sorted(number for number in map(parse_version, names) if number is not None)
