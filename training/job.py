"""The training job, from its inputs to a version in the model store."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from pydantic import TypeAdapter
from rich.console import Console

from model_store import PRODUCTION, Manifest, ModelStore, StoreError
from training.config import TrainingConfig
from training.corpus.hints import hint
from training.corpus.seed_text import seed_text_of
from training.corpus.sources import Corpus
from training.corpus.split import Split
from training.corpus.text import has_licence
from training.errors import Int8Error, ParityError, TrainingError
from training.inputs import Inputs
from training.learning.batches import Batches
from training.learning.distil import taught
from training.learning.fit import fit
from training.learning.progress import Progress
from training.learning.run import Run, RunInfo
from training.learning.trainer import Trainer
from training.learning.workers import Workers
from training.memory import shortage
from training.options import TrainOptions, command_line
from training.publishing.publish import promote, publish
from training.suited import ENOUGH_STEPS, described


def train(
    options: TrainOptions, inputs: Inputs, batches: Batches, progress: Progress | None = None
) -> None:
    """Train on a corpus and publish the best weights; an interrupted run of that name goes on.

    `progress` shows the training; without one, the terminal of the chief does.

    Raises:
        TrainingError, StoreError, OSError, KeyboardInterrupt: notes on the error say how to go on.
    """
    config, text, vocabulary = inputs.config, inputs.text, inputs.vocabulary
    workers = Workers(os.environ.get("TF_CONFIG", ""))

    # Everything that can be refused is refused here, before an earlier run is replaced.
    workers.check(config.batch_size)
    seed_text, parent = seed_text_of(text, vocabulary), inputs.start.parent
    teachers = tuple(filter(None, (teacher.parent for teacher in inputs.teachers)))
    symbols, sha256 = "".join(vocabulary.symbols), inputs.corpus.sha256
    info = RunInfo(config, sha256, symbols, seed_text, parent, workers.number, teachers)
    workers.require_same(TypeAdapter(RunInfo).dump_json(info))
    weights = inputs.start.weights()
    run = Run.start(inputs.folder, info, fresh=options.fresh)
    for file in run.damaged:
        _say(f"{file} is damaged, and not used")
    _say(_summary(inputs))
    if not config.of_texts and (better := hint(text, vocabulary)):
        _say(better)

    with _notes_how_to_go_on(options, run):
        if inputs.teachers:
            batches = taught(batches, inputs.teachers, config, text, vocabulary, run.folder)
        _say(_plan(config, config.epochs * len(batches)))
        if lacking := shortage(config, len(vocabulary), workers.number):
            _say(lacking)
        trainer = Trainer(config, vocabulary, len(batches), weights, workers)
        progress = progress or Progress(Console(highlight=False, quiet=not workers.chief))
        fit(trainer, run, batches, text, vocabulary, progress)
        if not workers.chief:
            workers.meet()  # a chief lost while publishing starts again with all workers
            return
        manifest = _publish(options, run, inputs)
    with suppress(TrainingError):
        workers.meet()  # the version is published, even if another worker is gone
    _promote(options, manifest, inputs.store)


def publish_only(options: TrainOptions, run: Run, inputs: Inputs) -> None:
    """Publish the best weights of an interrupted run.

    Raises:
        TrainingError, StoreError, OSError: the version cannot be published.
    """
    manifest = _publish(options, run, inputs)
    _promote(options, manifest, inputs.store)


def _summary(inputs: Inputs) -> str:
    number = len(inputs.corpus.files)
    files = f"{number} files, " if number > 1 else ""
    return (
        f"{inputs.corpus.name}: {files}{_texts(inputs.text)}{len(inputs.text.ids):,} characters, "
        f"{len(inputs.vocabulary)} symbols{_left_out(inputs.corpus)}"
    )


def _left_out(corpus: Corpus) -> str:
    licences = sum(map(has_licence, corpus.files))
    where = f" (in {licences:,} files)" if licences > 1 else ""
    return f"; left out: the licence of Project Gutenberg{where}" if licences else ""


def _plan(config: TrainingConfig, steps: int) -> str:
    plan = f"{described(config)}; {steps:,} steps in all"
    if steps >= ENOUGH_STEPS:
        return plan
    return f"{plan}\n{steps:,} steps are few: raise epochs, lower batch_size, or give more text"


def _texts(text: Split) -> str:
    if text.text_end is None:
        return ""
    repeated = f" ({text.repeated:,} repeated ones left out)" if text.repeated else ""
    return f"{text.texts_in(text.ids):,} texts{repeated}, "


def _publish(options: TrainOptions, run: Run, inputs: Inputs) -> Manifest:
    corpus, text, vocabulary = inputs.corpus, inputs.text, inputs.vocabulary
    store, int8 = inputs.store, not options.fp32
    try:
        manifest = publish(run, options.name, corpus, text, vocabulary, store, int8=int8)
    except Int8Error as error:
        command = options.publishing_command("--fp32")
        error.add_note(f"the fp32 graph alone is published with:\n  {command}")
        raise
    run.close()
    _say(
        f"published {manifest.name}@{manifest.version} in {options.store}: "
        f"{manifest.metrics['validation_nats']:.4f} nats = "
        f"{manifest.metrics['validation_bits']:.4f} bits per character"
    )
    if manifest.remark:
        _say(f"{manifest.name}@{manifest.version} {manifest.remark}: train longer, or on more text")
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
    elif options.promote == "never" or manifest.remark:
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
    if run.has_best:
        error.add_note(
            f"the weights of epoch {run.best.number} ({run.best.validation_loss:.4f} nats) are in "
            f"{run.folder}; publish them as they are with:\n  {options.publishing_command()}"
        )


def _say(line: str) -> None:
    print(line, flush=True)  # a log file shows the line before the minutes that follow
