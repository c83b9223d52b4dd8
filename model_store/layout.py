"""Where things lie in a store: `<root>/<name>/<version>/manifest.json`."""

from collections.abc import Iterator
from pathlib import Path

from model_store.manifest import MANIFEST
from model_store.names import is_name, parse_version


def model_names(root: Path) -> list[str]:
    """Return the sorted names of the folders that may hold a model."""
    return sorted(name for name in _folders(root) if is_name(name))


def claimed_versions(folder: Path) -> list[int]:
    """Return every version number taken below a model's folder, complete or not, ascending."""
    numbers = (parse_version(name) for name in _folders(folder))
    return sorted(number for number in numbers if number is not None)


def complete_versions(folder: Path) -> list[int]:
    """Return the versions that have a manifest, ascending."""
    return [
        version
        for version in claimed_versions(folder)
        if (folder / str(version) / MANIFEST).is_file()
    ]


def _folders(parent: Path) -> Iterator[str]:
    if parent.is_dir():
        yield from (path.name for path in parent.iterdir() if path.is_dir())
