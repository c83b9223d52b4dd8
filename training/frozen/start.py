"""What a training begins with: random weights, or those of a published version."""

from dataclasses import dataclass
from typing import Any, Self

from model_store import BUNDLED, LayeredStore, ModelStore, Parent, StoredModel, Vocabulary, contents
from training.errors import TrainingError
from training.frozen.thaw import thaw
from training.frozen.weights import Weights


@dataclass(frozen=True)
class Start:
    """A version to go on from; without one a training begins with random weights."""

    version: StoredModel | None = None

    @classmethod
    def at(cls, reference: str, store: ModelStore) -> Self:
        """Return a start from a version of the store, or from one that came with the software.

        Raises:
            StoreError: there is none, or it is damaged.
        """
        stores = LayeredStore([store, ModelStore(BUNDLED)])
        files = (contents.VOCABULARY, contents.FP32_GRAPH, contents.INT8_GRAPH)
        return cls(stores.open(*stores.resolve(reference), files))

    @classmethod
    def again(cls, parent: Parent | None, store: ModelStore) -> Self:
        """Return the start of an earlier run.

        Raises:
            StoreError, TrainingError: its parent is not there any more.
        """
        if parent is None:
            return cls()
        start = cls.at(f"{parent.name}@{parent.version}", store)
        if start.parent != parent:
            raise TrainingError(f"the run began with {parent}, but there is now {start.parent}")
        return start

    @property
    def parent(self) -> Parent | None:
        """What a version that begins so says of it."""
        if self.version is None:
            return None
        manifest = self.version.manifest
        return Parent(name=manifest.name, version=manifest.version, digest=manifest.digest)

    @property
    def settled(self) -> dict[str, Any]:
        """The configuration keys that are no choice any more: the network's and vocabulary's."""
        if self.version is None:
            return {}
        manifest = self.version.manifest
        min_count = manifest.training.get("min_count", 1)
        return {**manifest.architecture.model_dump(), "min_count": min_count}

    @property
    def vocabulary(self) -> Vocabulary | None:
        """The vocabulary to read the text with."""
        return self.version.vocabulary if self.version else None

    def weights(self) -> Weights | None:
        """Return the weights to begin with; raises as `thaw` does."""
        return thaw(self.version) if self.version else None
