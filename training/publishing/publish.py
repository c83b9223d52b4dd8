"""From the best weights of a run to a version in the model store."""

import math
import subprocess
import tempfile
from importlib.metadata import version as library_version
from pathlib import Path

from model_store import (
    PRODUCTION,
    Architecture,
    Manifest,
    ModelDescription,
    ModelStore,
    Vocabulary,
    contents,
    write_known_texts,
)
from model_store import Corpus as CorpusRecord
from training.corpus.sources import Corpus
from training.corpus.split import Split
from training.corpus.texts import texts_in
from training.frozen.export import export
from training.frozen.parity import check_parity
from training.learning.epochs import bits, dump_epochs
from training.learning.run import Run
from training.network.model import build_model
from training.options import Promote
from training.publishing.baselines import baselines
from training.publishing.calibration import calibrate
from training.publishing.copied import BY_HEART, by_heart_from, copied
from training.publishing.curves import write_curves
from training.publishing.measured import measured_on
from training.publishing.protocols import further_losses
from training.publishing.report import write_card, write_samples

LIBRARIES = ("tensorflow", "tensorflow-cpu", "keras", "numpy", "onnx", "onnxruntime")


def publish(
    run: Run,
    name: str,
    corpus: Corpus,
    text: Split,
    vocabulary: Vocabulary,
    store: ModelStore,
    *,
    int8: bool = True,
) -> Manifest:
    """Export the best weights of the run, check the graphs and publish them as a new version.

    Without `int8` the version has the fp32 graphs alone.

    Raises:
        ParityError: an exported graph does not compute what the model computes; nothing is published.
    """
    config = run.info.config
    model = build_model(config, len(vocabulary), "float32", vocabulary.unknown_id, text.text_end)
    model.set_weights(run.best_weights())
    calibration = calibrate(model, config, text)
    with tempfile.TemporaryDirectory(prefix="charloom-") as temporary:
        folder = Path(temporary)
        export(model, config, folder, int8=int8)
        parity = check_parity(model, config, text, folder)
        served = folder / (contents.INT8_GRAPH if int8 else contents.FP32_GRAPH)
        further = further_losses(served, text, config.validation_characters)
        if text.text_end is not None:
            write_known_texts(texts_in(text.ids, vocabulary), folder / contents.TEXTS)
        copies = copied(served, text, vocabulary, run.info.seed_text)
        others = baselines(text, vocabulary, config.validation_characters)
        metrics = _metrics(run, calibration | parity.metrics | further | copies, others)
        description = _description(run, corpus, text, vocabulary, metrics, parity.fingerprint)
        (folder / contents.VOCABULARY).write_text(vocabulary.to_json(), encoding="utf-8")
        (folder / contents.EPOCHS).write_text(dump_epochs(run.history), encoding="utf-8")
        write_curves(run, others, folder / contents.CURVES)
        write_samples(run, folder / contents.SAMPLES)
        write_card(name, description, run, folder / contents.CARD)
        return store.publish(name, folder, description)


def promote(store: ModelStore, manifest: Manifest, policy: Promote) -> bool:
    """Move the alias `production` to the version by the policy; return whether the alias moved.

    `if-better` moves the alias to a version with a lower loss over the same characters, unless the
    version loses to its own baseline.
    """
    aliases = store.aliases(manifest.name)
    current = aliases.get(PRODUCTION)
    if policy == "never" or (policy == "if-better" and manifest.remark):
        return False
    # An alias may name a deleted version; every new version is better than a deleted one.
    if policy == "if-better" and current in store.versions(manifest.name):
        served = store.manifest(manifest.name, current)
        if measured_on(manifest) != measured_on(served):
            return False
        if manifest.metrics["validation_nats"] >= served.metrics.get("validation_nats", math.inf):
            return False
    aliases.set(PRODUCTION, manifest.version)
    return True


def _description(
    run: Run,
    corpus: Corpus,
    text: Split,
    vocabulary: Vocabulary,
    metrics: dict[str, float],
    fingerprint: str | None,
) -> ModelDescription:
    config = run.info.config
    return ModelDescription(
        architecture=Architecture(
            cell=config.cell,
            layers=config.layers,
            units=config.units,
            embedding=config.embedding,
        ),
        vocabulary_size=len(vocabulary),
        corpus=_corpus_record(corpus, text),
        training=config.model_dump(),
        libraries=_libraries(),
        metrics=metrics,
        git_commit=commit_of(Path(__file__)),
        parent=run.info.parent,
        teachers=run.info.teachers,
        fingerprint=fingerprint,
        seed_text=run.info.seed_text,
    )


def _corpus_record(corpus: Corpus, text: Split) -> CorpusRecord:
    record = CorpusRecord(name=corpus.name, sha256=corpus.sha256, characters=len(text.ids))
    if text.text_end is None:
        return record
    numbers = {"texts": text.texts_in(text.ids), "held_out_texts": text.texts_in(text.validation)}
    return record.model_copy(update=numbers)


def _metrics(run: Run, measured: dict[str, float], others: dict[str, float]) -> dict[str, float]:
    validation, by_heart = measured["fp32_nats"], by_heart_from(run.epochs)
    return {
        "validation_nats": validation,
        "validation_bits": bits(validation),
        "train_nats": run.best.train_loss,
        "best_epoch": run.best.number,
        **({BY_HEART: by_heart} if by_heart else {}),
        **measured,
        **{f"{name}_nats": nats for name, nats in others.items()},
    }


def _libraries() -> dict[str, str]:
    found = {}
    for library in LIBRARIES:
        try:
            found[library] = library_version(library)
        except ModuleNotFoundError:
            continue  # tensorflow and tensorflow-cpu are alternatives
    return found


def commit_of(file: Path) -> str | None:
    """Return the commit of the checkout that tracks a file, or None for a file that no checkout tracks."""

    def git(*words: str) -> str:
        command = ["git", *words]
        done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=file.parent)
        return done.stdout.strip()

    try:
        # An installed job may lie inside the checkout of another project.
        git("ls-files", "--error-unmatch", file.name)
        return git("rev-parse", "HEAD")
    except (OSError, subprocess.CalledProcessError):
        return None
