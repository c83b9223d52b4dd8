"""(f) The lecture's recipe and charloom's: the same network on the same text, to the same loss."""

from itertools import count
from pathlib import Path
from pydoc_data.topics import topics
from time import perf_counter

import numpy as np

from benchmarks.report import Part
from benchmarks.rounds import Bar, Values, number, progress, ratios, spread
from model_store import Vocabulary
from training.config import TrainingConfig, load_config
from training.corpus.split import Split, split
from training.learning.batches import batches_of
from training.learning.evaluate import validation_loss
from training.learning.trainer import Trainer

ROOT = Path(__file__).resolve().parents[1]
LECTURE = load_config(ROOT / "training" / "configs" / "lecture.toml", [])
# The same network over charloom's streams, in batches of the default size.
DEFAULT = TrainingConfig(
    layers=LECTURE.layers,
    units=LECTURE.units,
    embedding=LECTURE.embedding,
    dropout=LECTURE.dropout,
    weight_drop=LECTURE.weight_drop,
)
# For a training of minutes: short sequences, which give many steps, and a constant learning rate.
BRIEF = DEFAULT.model_copy(
    update={"sequence_length": 32, "learning_rate": 2e-3, "schedule": "constant"}
)
BUDGET = 600.0  # seconds of the lecture's training, with --seconds 1
LOOKS = 150  # measurements of charloom's loss in the same time

SIDES = {
    "lecture": "the lecture's recipe",
    "charloom": "charloom, to the same loss",
    "windows": "charloom, to the same loss over the lecture's windows",
    "default": "charloom, batches of the default size",
}
SPEED, SECONDS, LOSS = "predicted characters/s", "seconds", "validation loss, nats"


class Learner:
    """A training whose clock runs during the steps, not during compilation or measurement."""

    def __init__(self, config: TrainingConfig, text: Split, vocabulary: Vocabulary) -> None:
        self._text = text
        self._batches = batches_of(text, config)
        self._trainer = Trainer(config, vocabulary, len(self._batches))
        self._feed = (batch for draw in count() for batch in self._batches.epoch(draw))
        self._trainer.step(*next(self._feed))
        self._steps, self.seconds = 0, 0.0

    @property
    def speed(self) -> float:
        """The predicted characters per second so far."""
        return self._steps * self._batches.predicted / self.seconds

    def learn(self, seconds: float) -> None:
        """Train for about that many seconds."""
        begin = perf_counter()
        while perf_counter() - begin < seconds:
            self._trainer.step(*next(self._feed))
            self._steps += 1
        self.seconds += perf_counter() - begin

    def loss(self, measure: TrainingConfig) -> float:
        """Return the loss over the held-out text, measured as the configuration says."""
        return validation_loss(self._trainer.model, measure, self._text)


def measure(rounds: int, seconds: float) -> Part:
    """Train the lecture's recipe for the budget, then charloom's until the loss is as low."""
    values: dict[str, Values] = {}
    for round_ in range(1, rounds + 1):
        progress(f"training: round {round_} of {rounds}")
        for name, value in _race(BUDGET * seconds, round_).items():
            values.setdefault(name, []).append(value)
    progress("")
    kinds = [SPEED, SECONDS, LOSS]
    return Part(
        name="training",
        title="Learning Python's own help (0.5 MB) with a 3×512 LSTM",
        columns=["", *kinds],
        rows=[
            [title, *(spread(values.get(f"{side}: {kind}", [])) for kind in kinds)]
            for side, title in SIDES.items()
        ],
        values=values,
        bars=[
            Bar(f"{SIDES['default']}: {SPEED}", _share(values, "default", SPEED), "≥", 20),
            Bar(f"{SIDES['charloom']}: {SECONDS}", _share(values, "charloom", SECONDS), "≤", 0.1),
        ],
        note=f"The lecture's recipe learned for {number(BUDGET * seconds)} seconds.",
    )


def _race(budget: float, seed: int) -> dict[str, float]:
    """Return the results of each side; each seed gives other initial weights."""
    text, vocabulary = _help()
    lecture, brief, default = (
        config.model_copy(update={"random_seed": seed}) for config in (LECTURE, BRIEF, DEFAULT)
    )
    learner = Learner(lecture, text, vocabulary)
    learner.learn(budget)
    wanted = learner.loss(lecture)
    found = _found("lecture", learner, wanted)
    learner = Learner(brief, text, vocabulary)
    for side, measure_as in (("charloom", brief), ("windows", lecture)):
        while (loss := learner.loss(measure_as)) > wanted:
            learner.learn(budget / LOOKS)
        found |= _found(side, learner, loss)
    learner = Learner(default, text, vocabulary)
    learner.learn(budget / 20)
    return found | {f"default: {SPEED}": learner.speed}


def _found(side: str, learner: Learner, loss: float) -> dict[str, float]:
    values = {SPEED: learner.speed, SECONDS: learner.seconds, LOSS: loss}
    return {f"{side}: {kind}": value for kind, value in values.items()}


def _share(values: dict[str, Values], side: str, kind: str) -> Values:
    return ratios(values[f"{side}: {kind}"], values[f"lecture: {kind}"])


def _help() -> tuple[Split, Vocabulary]:
    text = "\n".join(topics[key] for key in sorted(topics))
    vocabulary = Vocabulary.from_text(text)
    return split(vocabulary.encode(text).astype(np.uint8), LECTURE.validation_fraction), vocabulary
