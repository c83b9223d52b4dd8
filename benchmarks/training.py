"""(f) The lecture's recipe and ours: the same network on the same text, to the same loss."""

from itertools import count
from pathlib import Path
from pydoc_data.topics import topics
from time import perf_counter

import numpy as np

from benchmarks.report import Part
from benchmarks.rounds import Bar, Values, number, progress, ratios, spread
from model_store import Vocabulary
from training.batches import batches_of
from training.config import TrainingConfig, load_config
from training.dataset import Split, split
from training.evaluate import validation_loss
from training.trainer import Trainer

ROOT = Path(__file__).resolve().parents[1]
LECTURE = load_config(ROOT / "training" / "configs" / "lecture.toml", [])
# The same network over our streams; small batches and a constant rate are for minutes of training.
OURS = TrainingConfig(
    layers=LECTURE.layers,
    units=LECTURE.units,
    embedding=LECTURE.embedding,
    dropout=LECTURE.dropout,
    weight_drop=LECTURE.weight_drop,
    batch_size=32,
    sequence_length=64,
    learning_rate=2e-3,
    schedule="constant",
    ema_momentum=0.0,
)
BUDGET = 600.0  # seconds of the lecture's training, with --seconds 1
LOOKS = 60  # looks at our loss in the same time

SIDES = {
    "lecture": "the lecture's recipe",
    "charloom": "charloom, to the same loss",
    "windows": "charloom, to the same loss over the lecture's windows",
}
SPEED, SECONDS, LOSS = "predicted characters/s", "seconds", "validation loss, nats"


class Learner:
    """A training whose clock runs while it learns, not while it compiles or measures."""

    def __init__(self, config: TrainingConfig, text: Split, vocabulary: Vocabulary) -> None:
        self._text = text
        self._batches = batches_of(text.train, config)
        self._trainer = Trainer(config, vocabulary, len(self._batches))
        self._feed = (batch for draw in count() for batch in self._batches.epoch(draw))
        self._trainer.step(*next(self._feed))
        self._steps, self.seconds = 0, 0.0

    @property
    def speed(self) -> float:
        """The characters predicted in a second so far."""
        return self._steps * self._batches.predicted / self.seconds

    def learn(self, seconds: float) -> None:
        """Learn for about so long."""
        begin = perf_counter()
        while perf_counter() - begin < seconds:
            self._trainer.step(*next(self._feed))
            self._steps += 1
        self.seconds += perf_counter() - begin

    def loss(self, measure: TrainingConfig) -> float:
        """Return the loss over the held-out text, measured as for a configuration."""
        return validation_loss(self._trainer.model, measure, self._text)


def measure(rounds: int, seconds: float) -> Part:
    """Let the lecture's recipe learn for the budget, then ours until it has that loss."""
    values: dict[str, Values] = {}
    for round_ in range(rounds):
        progress(f"training: round {round_ + 1} of {rounds}")
        for name, value in _race(BUDGET * seconds).items():
            values.setdefault(name, []).append(value)
    progress("")
    kinds = [SPEED, SECONDS, LOSS]
    return Part(
        name="training",
        title="Learning Python's own help (0.5 MB) with a 3×512 LSTM",
        columns=["", *kinds],
        rows=[
            [title, *(spread(values[f"{side}: {kind}"]) for kind in kinds)]
            for side, title in SIDES.items()
        ],
        values=values,
        bars=[
            Bar(f"charloom: {SPEED}", _share(values, "charloom", SPEED), "≥", 20),
            *(
                Bar(f"{SIDES[side]}: {SECONDS}", _share(values, side, SECONDS), "≤", 0.1)
                for side in ("charloom", "windows")
            ),
        ],
        note=f"The lecture's recipe learned for {number(BUDGET * seconds)} seconds.",
    )


def _race(budget: float) -> dict[str, float]:
    text, vocabulary = _help()
    lecture = Learner(LECTURE, text, vocabulary)
    lecture.learn(budget)
    wanted = lecture.loss(LECTURE)
    found = _found("lecture", lecture, wanted)
    ours = Learner(OURS, text, vocabulary)
    for side, measure_as in (("charloom", OURS), ("windows", LECTURE)):
        while (loss := ours.loss(measure_as)) > wanted:
            ours.learn(budget / LOOKS)
        found |= _found(side, ours, loss)
    return found


def _found(side: str, learner: Learner, loss: float) -> dict[str, float]:
    values = {SPEED: learner.speed, SECONDS: learner.seconds, LOSS: loss}
    return {f"{side}: {kind}": value for kind, value in values.items()}


def _share(values: dict[str, Values], side: str, kind: str) -> Values:
    return ratios(values[f"{side}: {kind}"], values[f"lecture: {kind}"])


def _help() -> tuple[Split, Vocabulary]:
    text = "\n".join(topics[key] for key in sorted(topics))
    vocabulary = Vocabulary.from_text(text)
    return split(vocabulary.encode(text).astype(np.uint8), LECTURE.validation_fraction), vocabulary
