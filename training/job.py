"""The training job, from a corpus to a version in the model store."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pydantic import TypeAdapter
from rich.console import Console

from model_store import PRODUCTION, Manifest, ModelStore, StoreError, Vocabulary, check_name
from training.config import load_config
from training.corpus.prepare import prepare
from training.corpus.sources import Corpus, open_corpus
from training.corpus.split import Split
from training.errors import ParityError, TrainingError
from training.frozen.start import Start
from training.learning.batches import batches_of
from training.learning.fit import fit
from training.learning.progress import Progress
from training.learning.run import Run, RunInfo, held
from training.learning.trainer import Trainer
from training.learning.workers import Workers
from training.options import TrainOptions, command_line
from training.publishing.publish import promote, publish
from training.space import require_space

SEED_TEXT_LENGTH = 25  # the lecture's window


def train(options: TrainOptions) -> None:
    """Train on a corpus and publish the best weights; an interrupted run of that name goes on.

    Raises:
        TrainingError, StoreError, OSError, KeyboardInterrupt: notes on the error say how to go on.
    """
    check_name(options.name)
    workers = Workers(os.environ.get("TF_CONFIG", ""))
    store = _writable_store(options)
    folder = _run_folder(options, workers)
    with held(folder):
        start = Start() if options.parent is None else Start.at(options.parent, store)
        config = load_config(options.config, options.overrides, start.settled)
        with open_corpus(options.corpus, options.corpora_dir) as corpus:
            text, vocabulary = prepare(corpus, config, folder, start.vocabulary)
        batches = batches_of(text.train, config)

        # Everything that can be refused is refused here, before an earlier run is replaced.
        workers.check(config.batch_size)
        seed_text = vocabulary.decode(text.validation[:SEED_TEXT_LENGTH])
        info = RunInfo(config, corpus.sha256, seed_text, start.parent, workers.number)
        workers.require_same(TypeAdapter(RunInfo).dump_json(info))
        weights = start.weights()
        require_space(config, vocabulary, folder, store)
        run = Run.start(folder, info, fresh=options.fresh)
        _say(_summary(corpus, text, vocabulary))

        with _notes_how_to_go_on(options, run):
            trainer = Trainer(config, vocabulary, len(batches), weights, workers)
            progress = Progress(Console(highlight=False, quiet=not workers.chief))
            fit(trainer, run, batches, text, vocabulary, progress)
            if not workers.chief:
                workers.meet()  # a chief lost while publishing starts again with all workers
                return
            manifest = _publish(options, run, corpus, text, vocabulary, store)
        with suppress(TrainingError):
            workers.meet()  # the version is published, even if another worker is gone
        _promote(options, manifest, store)


def publish_only(options: TrainOptions) -> None:
    """Publish the best weights of an interrupted run.

    Raises:
        TrainingError, StoreError, OSError: the run, its corpus or its parent cannot be used.
    """
    check_name(options.name)
    store = _writable_store(options)
    folder = options.runs / options.name
    with held(folder):
        run = Run.open(folder)
        start = Start.again(run.info.parent, store)
        with open_corpus(options.corpus, options.corpora_dir) as corpus:
            run.require(corpus)
            text, vocabulary = prepare(corpus, run.info.config, folder, start.vocabulary)
        manifest = _publish(options, run, corpus, text, vocabulary, store)
        _promote(options, manifest, store)


def _writable_store(options: TrainOptions) -> ModelStore:
    """Open the store, and find out before the training whether a version can be written there."""
    store = ModelStore(options.store)
    store.require_writable()
    return store


def _run_folder(options: TrainOptions, workers: Workers) -> Path:
    """Return the folder of the run; workers may share a disk, so only the chief has the plain one."""
    folder = options.runs / options.name
    return folder if workers.chief else folder / f"worker-{workers.index}"


def _summary(corpus: Corpus, text: Split, vocabulary: Vocabulary) -> str:
    files = f"{len(corpus.files)} files, " if len(corpus.files) > 1 else ""
    return f"{corpus.name}: {files}{len(text.ids):,} characters, {len(vocabulary)} symbols"


def _publish(
    options: TrainOptions,
    run: Run,
    corpus: Corpus,
    text: Split,
    vocabulary: Vocabulary,
    store: ModelStore,
) -> Manifest:
    _say("exporting, and checking the exported graphs on the held-out text …")
    manifest = publish(run, options.name, corpus, text, vocabulary, store)
    run.close()
    _say(
        f"published {manifest.name}@{manifest.version} in {options.store}: "
        f"{manifest.metrics['validation_nats']:.4f} nats = "
        f"{manifest.metrics['validation_bits']:.4f} bits per character"
    )
    return manifest


def _promote(options: TrainOptions, manifest: Manifest, store: ModelStore) -> None:
    words = ["--store", options.store, "alias", manifest.name, PRODUCTION, manifest.version]
    by_hand = f"move it with: {command_line('model_store', words)}"
    try:
        moved = promote(store, manifest, options.promote)
    except (StoreError, OSError) as error:
        error.add_note(f"{PRODUCTION} did not move; {by_hand}")
        raise
    if moved:
        _say(f"{PRODUCTION} is now {manifest.name}@{manifest.version}")
    elif options.promote == "never":
        _say(f"{PRODUCTION} stays; {by_hand}")
    else:
        _say(f"{PRODUCTION} stays: the loss is not lower over the same characters; {by_hand}")


@contextmanager
def _notes_how_to_go_on(options: TrainOptions, run: Run) -> Iterator[None]:
    """Note on an error, or on Ctrl-C, how to go on and how to publish the best weights so far."""
    try:
        yield
    except KeyboardInterrupt as interrupt:
        interrupt.add_note("interrupted; the same command goes on from here")
        _note_how_to_publish(interrupt, options, run)
        raise
    except (TrainingError, StoreError, OSError) as error:
        if isinstance(error, OSError):
            error.add_note("once that is remedied, the same command goes on from here")
        if not isinstance(error, ParityError):  # the same weights would fail the check again
            _note_how_to_publish(error, options, run)
        raise


def _note_how_to_publish(error: BaseException, options: TrainOptions, run: Run) -> None:
    if run.epochs:
        error.add_note(
            f"the weights of epoch {run.best.number} ({run.best.validation_loss:.4f} nats) are in "
            f"{run.folder}; publish them as they are with:\n  {options.publishing_command()}"
        )


def _say(line: str) -> None:
    print(line, flush=True)  # a log file shows the line before the minutes that follow
