"""The inputs of a training: store, run folder, configuration, corpus and parent.

Nothing here imports TensorFlow, so that whatever is wrong with an input is said at once.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from model_store import ModelStore, Vocabulary, check_name
from training.config import TrainingConfig, load_config
from training.corpus.prepare import prepare
from training.corpus.sources import Corpus, open_corpus
from training.corpus.split import Split
from training.errors import ConfigError
from training.frozen.start import Start
from training.learning.batches import Batches, batches_of
from training.learning.cluster import place
from training.learning.run import Run, held
from training.options import TrainOptions
from training.space import require_space
from training.suited import lasting, suited


@dataclass(frozen=True)
class Inputs:
    """The checked inputs of a training, whose run folder is locked; a publication needs no parent or teacher."""

    store: ModelStore
    folder: Path
    config: TrainingConfig
    corpus: Corpus
    text: Split
    vocabulary: Vocabulary
    start: Start = field(default_factory=Start)
    teachers: tuple[Start, ...] = ()


@contextmanager
def inputs_of_training(options: TrainOptions) -> Iterator[tuple[Inputs, Batches]]:
    """Check and prepare all that a training takes, and cut its text into batches, for the block.

    Raises:
        TrainingError, StoreError, OSError: an input is missing, wrong, or too large for a disk.
    """
    store = _writable_store(options)
    folder = _run_folder(options)
    with held(folder):
        start = Start() if options.parent is None else Start.at(options.parent, store)
        teachers = tuple(Start.at(teacher, store) for teacher in options.teachers)
        config = load_config(options.config, options.overrides, start.settled)
        if config.teacher_text and not teachers:
            raise ConfigError("teacher_text is what teachers write: name a teacher with --teacher")
        known = vocabulary_of([start, *teachers])
        with open_corpus(options.corpus, options.corpora_dir) as corpus:
            text, vocabulary = prepare(corpus, config, folder, known)
        config = suited(config, len(text.ids))
        batches = batches_of(text, config)
        config = lasting(config, batches.whole)
        distilled = len(text.train) + config.teacher_text if teachers else 0
        require_space(config, vocabulary, folder, store, distilled)
        yield Inputs(store, folder, config, corpus, text, vocabulary, start, teachers), batches


@contextmanager
def inputs_of_run(options: TrainOptions) -> Iterator[tuple[Run, Inputs]]:
    """Open an interrupted run and prepare what it was trained on, for the block.

    Raises:
        TrainingError, StoreError, OSError: the run, its corpus or the store cannot be used.
    """
    store = _writable_store(options)
    folder = options.runs / options.name
    with held(folder):
        run = Run.open(folder)
        config = run.info.config
        with open_corpus(options.corpus, options.corpora_dir) as corpus:
            run.require(corpus)
            text, vocabulary = prepare(corpus, config, folder, run.info.given)
        yield run, Inputs(store, folder, config, corpus, text, vocabulary)


def vocabulary_of(versions: list[Start]) -> Vocabulary | None:
    """Return the vocabulary that the parent and the teachers share, or None without them.

    Raises:
        ConfigError: two of them have different vocabularies.
    """
    known = [version.vocabulary for version in versions if version.vocabulary]
    if any(vocabulary != known[0] for vocabulary in known):
        raise ConfigError(
            "the versions of --from and --teacher have different vocabularies: "
            "a network learns from versions of one vocabulary"
        )
    return known[0] if known else None


def _writable_store(options: TrainOptions) -> ModelStore:
    """Open the store, and find out before the training whether a version can be written there."""
    check_name(options.name)
    store = ModelStore(options.store)
    store.require_writable()
    return store


def _run_folder(options: TrainOptions) -> Path:
    """Return the folder of the run; workers may share a disk, so only the chief has the plain one."""
    folder = options.runs / options.name
    _, index = place(os.environ.get("TF_CONFIG", ""))
    return folder if index == 0 else folder / f"worker-{index}"
