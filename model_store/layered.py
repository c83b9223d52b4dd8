"""Several stores seen as one: the owner's store in front of the bundled models."""

from collections.abc import Iterable, Sequence

from model_store.aliases import Aliases
from model_store.errors import no_model
from model_store.manifest import Manifest
from model_store.names import split_reference
from model_store.store import ModelStore
from model_store.stored import StoredModel


class LayeredStore:
    """A read-only view of stores; the first store with a complete version of a name owns the name."""

    def __init__(self, stores: Sequence[ModelStore], offered: Sequence[str] = ()) -> None:
        """Take the stores in order of precedence, and the offered names; no names offer all."""
        self._stores = tuple(stores)
        self._offered = frozenset(offered)

    def names(self) -> list[str]:
        """Return the offered names of all stores, sorted."""
        names = {name for store in self._stores for name in store.names()}
        return sorted(names & self._offered if self._offered else names)

    def versions(self, name: str) -> list[int]:
        """Return the complete versions in the owning store; none for an unknown name."""
        return next(filter(None, (store.versions(name) for store in self._stores)), [])

    def manifest(self, name: str, version: int) -> Manifest:
        """Return a version's manifest; raises as `ModelStore.manifest` does."""
        return self._owner(name).manifest(name, version)

    def open(self, name: str, version: int, paths: Iterable[str] | None = None) -> StoredModel:
        """Return a verified version; raises as `ModelStore.open` does."""
        return self._owner(name).open(name, version, paths)

    def verify(self, name: str, version: int) -> Manifest:
        """Compare a version's files in the store itself; raises as `ModelStore.verify` does."""
        return self._owner(name).verify(name, version)

    def mark(self, name: str, version: int) -> str:
        """Return a text that changes whenever a file of a version changes."""
        return self._owner(name).mark(name, version)

    def resolve(self, reference: str) -> tuple[str, int]:
        """Resolve a reference in the owning store; raises as `ModelStore.resolve` does."""
        name, _ = split_reference(reference)
        return self._owner(name).resolve(reference)

    def aliases(self, name: str) -> Aliases:
        """Return the aliases in the owning store, or raise `ModelNotFound`."""
        return self._owner(name).aliases(name)

    def _owner(self, name: str) -> ModelStore:
        if not self._offered or name in self._offered:
            for store in self._stores:
                if store.versions(name):
                    return store
        raise no_model(name, self.names())
