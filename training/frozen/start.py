"""The start of a training: random weights, or the weights of a published version."""

from dataclasses import dataclass
from typing import Any, Self

from model_store import BUNDLED, LayeredStore, ModelStore, Parent, StoredModel, Vocabulary, contents
from training.frozen.thaw import thaw
from training.frozen.weights import Weights


@dataclass(frozen=True)
class Start:
    """The parent version that a training starts from; without a version the weights are random."""

    version: StoredModel | None = None

    @classmethod
    def at(cls, reference: str, store: ModelStore) -> Self:
        """Return a start from a version of the store, or else from a bundled version.

        Raises:
            StoreError: the version does not exist or is damaged.
        """
        stores = LayeredStore([store, ModelStore(BUNDLED)])
        files = (contents.VOCABULARY, contents.FP32_GRAPH, contents.INT8_GRAPH)
        return cls(stores.open(*stores.resolve(reference), files))

    @property
    def parent(self) -> Parent | None:
        """The parent that the manifest of a fine-tuned version names."""
        if self.version is None:
            return None
        manifest = self.version.manifest
        return Parent(name=manifest.name, version=manifest.version, digest=manifest.digest)

    @property
    def settled(self) -> dict[str, Any]:
        """The configuration keys that the parent version fixes: the network's, and `min_count`."""
        if self.version is None:
            return {}
        manifest = self.version.manifest
        min_count = manifest.training.get("min_count", 1)
        return {**manifest.architecture.model_dump(), "min_count": min_count}

    @property
    def vocabulary(self) -> Vocabulary | None:
        """The vocabulary of the parent version."""
        return self.version.vocabulary if self.version else None

    def weights(self) -> Weights | None:
        """Return the weights of the parent version.

        Raises:
            TrainingError: another version of this job wrote the weights.
        """
        return thaw(self.version) if self.version else None
