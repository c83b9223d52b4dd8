"""`python -m training`: one command from a corpus to a published version."""

import argparse
import io
import os
import shlex
import signal
import sys
from contextlib import suppress
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # read once, when TensorFlow is imported

from pydantic import TypeAdapter
from rich.console import Console

from model_store import PRODUCTION, Manifest, ModelStore, StoreError, Vocabulary, check_name
from training.config import TrainingConfig, load_config
from training.corpus.prepare import prepare
from training.corpus.sources import Corpus, open_corpus
from training.corpus.split import Split
from training.errors import ParityError, TrainingError
from training.frozen.start import Start
from training.learning.batches import batches_of
from training.learning.fit import fit
from training.learning.progress import Progress
from training.learning.run import Run, RunInfo, held
from training.learning.workers import Workers
from training.options import parse
from training.publishing import compare, requantise
from training.publishing.publish import promote, publish
from training.space import require_space

SEED_TEXT_LENGTH = 25  # the lecture's window
INTERRUPTED = 130  # what shells report for a job ended by Ctrl-C


def main(arguments: list[str] | None = None) -> int:
    """Run the job; return its exit status. Errors are one line on standard error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # what a terminal cannot show ends no training
    words = sys.argv[1:] if arguments is None else arguments
    if words[:1] == ["compare"]:
        return compare.main(words[1:])
    if words[:1] == ["requantise"]:
        return requantise.main(words[1:])
    options = parse(words)
    try:
        return _train(options)
    except (TrainingError, StoreError, OSError) as error:
        print(f"training: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\ntraining: interrupted", file=sys.stderr)
        return INTERRUPTED


def _train(options: argparse.Namespace) -> int:
    check_name(options.name)
    workers = Workers("" if options.publish_only else os.environ.get("TF_CONFIG", ""))
    folder = options.runs / options.name
    if not workers.chief:
        folder = folder / f"worker-{workers.index}"  # where runs are shared, the chief's is its own
    store = ModelStore(options.store)
    store.require_writable()  # found out now, not after the training
    with held(folder):
        return _train_in(folder, options, workers, store)


def _train_in(
    folder: Path, options: argparse.Namespace, workers: Workers, store: ModelStore
) -> int:
    run = Run.open(folder) if options.publish_only else None
    start = _start(options, run, store)
    config = run.info.config if run else _config(options, start)
    with open_corpus(options.corpus, options.corpora_dir) as corpus:
        if run:
            run.require(corpus)
        text, vocabulary = prepare(corpus, config, folder, start.vocabulary)
    if run:
        return _promote(options, _publish(options, run, corpus, text, vocabulary))

    seed_text = vocabulary.decode(text.validation[:SEED_TEXT_LENGTH])
    batches_of(text.train, config)  # or say what is wrong
    workers.check(config.batch_size)
    info = RunInfo(config, corpus.sha256, seed_text, start.parent, workers.number)
    workers.require_same(TypeAdapter(RunInfo).dump_json(info))
    weights = start.weights()
    require_space(config, vocabulary, folder, store)
    run = Run.start(folder, info, fresh=options.fresh)
    _say(_described(corpus, text, vocabulary))
    try:
        fit(
            run,
            text,
            vocabulary,
            Progress(Console(highlight=False, quiet=not workers.chief)),
            weights,
            workers,
        )
        if not workers.chief:
            workers.meet()  # a chief that is lost while it publishes starts again with the others
            return 0
        manifest = _publish(options, run, corpus, text, vocabulary)
    except KeyboardInterrupt:
        print("\ninterrupted; the same command goes on from here", file=sys.stderr)
        _say_how_to_publish(options, run)
        return INTERRUPTED
    except (TrainingError, StoreError, OSError) as error:
        print(f"training: {error}", file=sys.stderr)
        if isinstance(error, OSError):
            print("once that is remedied, the same command goes on from here", file=sys.stderr)
        if not isinstance(error, ParityError):  # those weights would fail again
            _say_how_to_publish(options, run)
        return 2
    with suppress(TrainingError):
        workers.meet()  # what is published stays so, whoever is gone
    return _promote(options, manifest)


def _start(options: argparse.Namespace, run: Run | None, store: ModelStore) -> Start:
    if run:
        return Start.again(run.info.parent, store)
    return Start() if options.parent is None else Start.at(options.parent, store)


def _config(options: argparse.Namespace, start: Start) -> TrainingConfig:
    given = {"min_count": options.min_count, "unknown": options.unknown}
    overrides = [f"{key}={value}" for key, value in given.items() if value is not None]
    return load_config(options.config, options.set + overrides, start.settled)


def _described(corpus: Corpus, text: Split, vocabulary: Vocabulary) -> str:
    files = f"{len(corpus.files)} files, " if len(corpus.files) > 1 else ""
    return f"{corpus.name}: {files}{len(text.ids):,} characters, {len(vocabulary)} symbols"


def _publish(
    options: argparse.Namespace, run: Run, corpus: Corpus, text: Split, vocabulary: Vocabulary
) -> Manifest:
    _say("exporting, and checking the exported graphs on the held-out text …")
    store = ModelStore(options.store)
    manifest = publish(run, options.name, corpus, text, vocabulary, store)
    run.close()
    _say(
        f"published {manifest.name}@{manifest.version} in {options.store}: "
        f"{manifest.metrics['validation_nats']:.4f} nats = "
        f"{manifest.metrics['validation_bits']:.4f} bits per character"
    )
    return manifest


def _promote(options: argparse.Namespace, manifest: Manifest) -> int:
    words = ["--store", options.store, "alias", manifest.name, PRODUCTION, manifest.version]
    by_hand = f"move it with: {_command('model_store', words)}"
    try:
        moved = promote(ModelStore(options.store), manifest, options.promote)
    except (StoreError, OSError) as error:
        print(f"training: {error}\n{PRODUCTION} did not move; {by_hand}", file=sys.stderr)
        return 2
    if moved:
        _say(f"{PRODUCTION} is now {manifest.name}@{manifest.version}")
    else:
        why = (
            "" if options.promote == "never" else ": the loss is not lower over the same characters"
        )
        _say(f"{PRODUCTION} stays{why}; {by_hand}")
    return 0


def _say_how_to_publish(options: argparse.Namespace, run: Run) -> None:
    if run.epochs:
        print(
            f"the weights of epoch {run.best.number} ({run.best.validation_loss:.4f} nats) are in "
            f"{run.folder}; publish them as they are with:\n"
            f"  {_command('training', _publishing_words(options))}",
            file=sys.stderr,
        )


def _publishing_words(options: argparse.Namespace) -> list[object]:
    words = [word for source in options.corpus for word in ("--corpus", source)]
    words += ["--name", options.name, "--store", options.store]
    if options.corpora_dir:
        words += ["--corpora-dir", options.corpora_dir]
    return [*words, "--runs", options.runs, "--promote", options.promote, "--publish-only"]


def _command(package: str, words: list[object]) -> str:
    """Return a command line that a person can paste into the shell that this job came from."""
    return shlex.join([os.path.relpath(sys.executable), "-m", package, *map(str, words)])


def _say(line: str) -> None:
    print(line, flush=True)  # a log file shows it before the minutes that follow


if __name__ == "__main__":
    # What stops a container or evicts a worker counts as Ctrl-C, and would otherwise not be heard at
    # all: the first process of a container ignores what it does not handle.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main())
