"""Small, real trainings for the tests of the training job."""

from collections.abc import Sequence
from pathlib import Path
from pydoc_data.topics import topics
from typing import Any

from rich.console import Console

from training.config import TrainingConfig
from training.corpus.prepare import prepare
from training.corpus.seed_text import seed_text_of
from training.corpus.sources import open_corpus
from training.frozen.start import Start
from training.inputs import vocabulary_of
from training.learning.batches import batches_of
from training.learning.distil import taught
from training.learning.fit import fit
from training.learning.progress import Progress
from training.learning.run import Run, RunInfo
from training.learning.trainer import Trainer

RANDOM = Start()
ENGLISH = "\n".join(topics[key] for key in sorted(topics))


# A training of seconds, the same on every processor. Each key that would follow from the size of the text is here.
SMALL: dict[str, Any] = {
    "units": 16,
    "embedding": 8,
    "dropout": 0.0,
    "weight_drop": 0.0,
    "weight_decay": 0.01,
    "epochs": 2,
    "batch_size": 4,
    "sequence_length": 32,
    "learning_rate": 0.02,
    "warmup_steps": 5,
    "precision": "float32",
    "sample_length": 20,
}


def small_config(**changes: Any) -> TrainingConfig:
    """Return the small configuration."""
    return TrainingConfig(**SMALL | changes)


def small_options(*more: str) -> list[str]:
    """Return the small configuration as command-line options."""
    return [word for key in SMALL for word in ("--set", f"{key}={SMALL[key]}")] + list(more)


class Training:
    """A text, and a run that trains on it."""

    def __init__(
        self,
        folder: Path,
        text: str,
        config: TrainingConfig,
        start: Start = RANDOM,
        teachers: Sequence[Start] = (),
    ) -> None:
        source = folder / "small.txt"
        folder.mkdir(parents=True, exist_ok=True)
        source.write_text(text, encoding="utf-8")
        with open_corpus([str(source)]) as self.corpus:
            known = vocabulary_of([start, *teachers])
            self.text, self.vocabulary = prepare(self.corpus, config, folder, known)
        seed_text = seed_text_of(self.text, self.vocabulary)
        self.start, self.teachers = start, teachers
        named = tuple(teacher.parent for teacher in teachers if teacher.parent)
        symbols, sha256 = "".join(self.vocabulary.symbols), self.corpus.sha256
        info = RunInfo(config, sha256, symbols, seed_text, start.parent, teachers=named)
        self.run = Run.start(folder, info)

    def fit(self) -> "Training":
        """Train, printing to nowhere."""
        with Path("/dev/null").open("w", encoding="utf-8") as nowhere:
            progress = Progress(Console(file=nowhere))
            config = self.run.info.config
            batches = batches_of(self.text, config)
            if self.teachers:
                folder = self.run.folder
                batches = taught(batches, self.teachers, config, self.text, self.vocabulary, folder)
            trainer = Trainer(config, self.vocabulary, len(batches), self.start.weights())
            fit(trainer, self.run, batches, self.text, self.vocabulary, progress)
        return self
