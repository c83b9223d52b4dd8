"""`python -m training requantise MODEL`: publish a version anew with today's quantisation.

Early versions quantise activations to eight bits. Products of eight bits saturate on processors
without VNNI. The weights stay the same, and nothing is trained.
"""

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnx

from model_store import (
    BUNDLED,
    PRODUCTION,
    LayeredStore,
    Manifest,
    ModelDescription,
    ModelStore,
    StoredModel,
    contents,
)
from training.config import TrainingConfig
from training.corpus.prepare import prepare
from training.corpus.sources import open_corpus
from training.errors import CorpusError, TrainingError
from training.frozen.int8 import exact_fingerprint, int8_loss
from training.frozen.integers import is_current, requantised
from training.frozen.runtime import Ids
from training.options import RequantiseOptions
from training.publishing.report import losses_table

INT8_NATS, FP32_NATS = "int8_nats", "fp32_nats"
# Configuration keys that decide which characters a loss is over.
TEXT_KEYS = {
    "texts",
    "validation_fraction",
    "test_fraction",
    "validation_characters",
    "min_count",
    "unknown",
}


def requantise(options: RequantiseOptions) -> None:
    """Publish a version with its int8 graph quantised as today; `production` follows the version.

    Raises:
        TrainingError: the version is quantised as today already, the corpus is not the version's, or
            the new graph costs more than MAX_INT8_LOSS.
        StoreError, OSError: the version cannot be read, or the new one not be written.
    """
    store = ModelStore(options.store)
    stores = LayeredStore([store, ModelStore(BUNDLED)])
    version = stores.open(*stores.resolve(options.reference))
    made = _publish(version, store, options.corpus, options.corpora_dir)
    print(f"published {made.name}@{made.version} in {options.store}: {_summary(made)}")
    if _replace_in_production(store, version.manifest, made):
        print(f"{PRODUCTION} is now {made.name}@{made.version}")


def _publish(
    version: StoredModel, store: ModelStore, corpus: list[str], corpora_dir: Path | None
) -> Manifest:
    """Publish the requantised version; measure the loss of the new graph if a corpus is given."""
    old, graph = version.manifest, _early_graph(version)
    with TemporaryDirectory(prefix="charloom-") as temporary:
        folder = _copied(version, Path(temporary) / "version")
        int8 = folder / contents.INT8_GRAPH
        onnx.save(requantised(graph), str(int8))
        fingerprint = exact_fingerprint(int8)
        metrics = _metrics(version, int8, corpus, corpora_dir)
        new = old.model_copy(update={"fingerprint": fingerprint, "metrics": metrics})
        _correct_card(folder / contents.CARD, old, new)
        return store.publish(old.name, folder, new)


def _early_graph(version: StoredModel) -> onnx.ModelProto:
    """Return the int8 graph of a version with an early quantisation.

    Raises:
        TrainingError: there is no int8 graph of this job, or the graph has today's quantisation.
    """
    manifest = version.manifest
    graph = onnx.load(version.file(contents.INT8_GRAPH))
    try:
        current = is_current(graph)
    except KeyError:
        raise TrainingError(
            f"{manifest.name}@{manifest.version} has no int8 graph of this job: train it again"
        ) from None
    if current:
        raise TrainingError(
            f"{manifest.name}@{manifest.version} is quantised as today: nothing to do"
        )
    return graph


def _copied(version: StoredModel, folder: Path) -> Path:
    """Copy the files of a version into a folder; return the folder."""
    for path in version.manifest.files:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(version.file(path), folder / path)
    return folder


def _metrics(
    version: StoredModel, graph: Path, corpus: list[str], corpora_dir: Path | None
) -> dict[str, float]:
    """Return the version's metrics with the loss of the new int8 graph; no corpus, no int8 loss."""
    metrics = {name: value for name, value in version.manifest.metrics.items() if name != INT8_NATS}
    if corpus:
        ids = _held_out(version, corpus, corpora_dir)
        metrics[INT8_NATS] = int8_loss(graph, ids, metrics[FP32_NATS])
    return metrics


def _held_out(version: StoredModel, sources: list[str], corpora_dir: Path | None) -> Ids:
    """Return the ids [N] of the held-out characters that the version's losses are over.

    Raises:
        CorpusError: the corpus is not the version's.
    """
    keys = version.manifest.training.items()
    config = TrainingConfig(**{key: value for key, value in keys if key in TEXT_KEYS})
    with open_corpus(sources, corpora_dir) as corpus, TemporaryDirectory() as folder:
        if corpus.sha256 != version.manifest.corpus.sha256:
            raise CorpusError(
                f"{corpus.name} is not the text that {version.manifest.name} was trained on, "
                f"whose SHA-256 is {version.manifest.corpus.sha256}"
            )
        text, _ = prepare(corpus, config, Path(folder), version.vocabulary)
        return text.validation[: config.validation_characters].astype(np.int64)


def _correct_card(card: Path, old: ModelDescription, new: ModelDescription) -> None:
    """Replace the table of losses on the model card, if there is one."""
    if card.exists():
        text = card.read_text(encoding="utf-8")
        card.write_text(text.replace(losses_table(old), losses_table(new)), encoding="utf-8")


def _replace_in_production(store: ModelStore, old: Manifest, new: Manifest) -> bool:
    """Move the alias `production` if it names the old version; return whether the alias moved."""
    aliases = store.aliases(new.name)
    if aliases.get(PRODUCTION) != old.version:
        return False
    aliases.set(PRODUCTION, new.version)
    return True


def _summary(made: Manifest) -> str:
    if INT8_NATS not in made.metrics:
        return "its loss was not measured; --corpus measures it"
    return f"{made.metrics[INT8_NATS]:.5f} nats per character, fp32 {made.metrics[FP32_NATS]:.5f}"
