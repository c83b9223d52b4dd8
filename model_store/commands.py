"""The commands of `python -m model_store`: one function each, which returns the exit status."""

import argparse
from dataclasses import dataclass
from typing import Self

from model_store.bundle import BUNDLED, bundle
from model_store.errors import DamagedVersion, UnreadableModel
from model_store.faults import Faults
from model_store.layered import LayeredStore
from model_store.store import ModelStore
from model_store.tables import describe, human_size, list_row, table

_HEADER = ("NAME", "VERSION", "ALIASES", "CREATED", "NATS", "SIZE", "")


@dataclass(frozen=True)
class Stores:
    """The store that commands write, and the stores that commands read, bundled models included."""

    writing: ModelStore
    reading: LayeredStore

    @classmethod
    def at(cls, root: str) -> Self:
        """Return the store at `root` with the bundled models behind it."""
        store = ModelStore(root)
        return cls(store, LayeredStore([store, ModelStore(BUNDLED)]))

    def everything(self, faults: Faults) -> list[tuple[str, int]]:
        """Return name and version of everything that exists; note the models that cannot be read."""
        found: list[tuple[str, int]] = []
        for name in self.reading.names():
            with faults.of(name):
                found += [(name, version) for version in self.reading.versions(name)]
        return found


def list_versions(stores: Stores, _: argparse.Namespace) -> int:
    """Print one row for each version, and below the table one line for each fault of a model."""
    faults = Faults()
    versions = stores.everything(faults)
    names = dict.fromkeys(name for name, _ in versions)
    aliases = {name: _aliases(stores.reading, name, faults) for name in names}
    rows = [
        _row(stores.reading, name, version, aliases[name], faults) for name, version in versions
    ]
    print(table([_HEADER, *rows]) if rows else "no models yet: train one")
    for fault in faults:
        print(f"{fault.model}: {fault.problem}")
    return 0


def show(stores: Stores, options: argparse.Namespace) -> int:
    """Print one manifest."""
    print(describe(stores.reading.manifest(*stores.reading.resolve(options.reference))))
    return 0


def verify(stores: Stores, options: argparse.Namespace) -> int:
    """Compare the files of one or all versions with their manifests; return 1 if any file differs."""
    one = options.reference
    faults = Faults()
    chosen = stores.everything(faults) if one is None else [stores.reading.resolve(one)]
    for fault in faults:
        print(f"DAMAGED  {fault.model}  {fault.problem}")
    sound = [_is_sound(stores.reading, name, version) for name, version in chosen]
    return 0 if all(sound) and not faults else 1


def set_alias(stores: Stores, options: argparse.Namespace) -> int:
    """Point an alias at a version."""
    stores.writing.aliases(options.name).set(options.alias, options.version)
    print(f"{options.name}@{options.alias} is version {options.version}")
    return 0


def rollback(stores: Stores, options: argparse.Namespace) -> int:
    """Point an alias back at the version before."""
    version = stores.writing.aliases(options.name).rollback(options.alias)
    print(f"{options.name}@{options.alias} is version {version} again")
    return 0


def bundle_version(stores: Stores, options: argparse.Namespace) -> int:
    """Publish a version's serving files into another store."""
    model = stores.reading.open(*stores.reading.resolve(options.reference))
    manifest = bundle(model, ModelStore(options.to))
    print(f"{options.to}/{manifest.name}/{manifest.version}  {human_size(manifest)}")
    return 0


def _aliases(store: LayeredStore, name: str, faults: Faults) -> dict[str, int]:
    """Return the aliases of a model, or none if the aliases cannot be read."""
    with faults.of(name):
        aliases = store.aliases(name).all()
        faults.add_lost(name, aliases, store.versions(name))
        return aliases
    return {}


def _row(
    store: LayeredStore, name: str, version: int, aliases: dict[str, int], faults: Faults
) -> list[str]:
    with faults.of(f"{name}@{version}"):
        return list_row(store.manifest(name, version), aliases)
    return [name, str(version), "-", "damaged", "-", "-", ""]


def _is_sound(store: LayeredStore, name: str, version: int) -> bool:
    try:
        files = store.verify(name, version).files
    except (DamagedVersion, UnreadableModel) as error:
        print(f"DAMAGED  {name}@{version}  {error}")
        return False
    print(f"ok       {name}@{version}  {len(files)} files")
    return True
