"""The lecture's fun example: an LSTM learns a text, writes after each epoch, is frozen, loaded and sampled.

The training is the training job's, with the lecture's recipe in a smaller size. `write` is the notebook
`Loading_Frozen_RNN_Model`: it needs the frozen file and the list of symbols alone, which the command keeps
beside its picture. The text is Python's own reference manual.
"""

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from pydoc_data.topics import topics
from textwrap import shorten, wrap

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from model_store import StoredModel, Vocabulary, contents
from training import job
from training.frozen.runtime import StepGraph
from training.inputs import inputs_of_training
from training.learning.epochs import Epoch, History, load_epochs, trained
from training.learning.fit import SAMPLE_TEMPERATURES
from training.learning.progress import Progress
from training.learning.run import Run
from training.lecture.lesson import Lesson, save_picture, show_table
from training.options import TrainOptions, make_train_parser

RECIPE = Path(__file__).parents[2] / "configs" / "lecture.toml"
CHARACTERS = 50_000
EPOCHS = 5
SMALLER = {"layers": 1, "units": 96, "learning_rate": 0.005, "batch_size": 64}
TEMPERATURES = tuple(str(t) for t in sorted(SAMPLE_TEMPERATURES, reverse=True))  # of the job
SEED_TEXT = "The value of "  # for the frozen network; the job takes its own from the held-out text
SHOWN = (0, 1, 2, EPOCHS)  # the epochs whose samples the picture shows


class LectureLog(Progress):
    """The progress of a training, with each epoch in the form of the lecture's log."""

    def epoch(self, epoch: Epoch, run: Run) -> None:
        """Print the losses of an epoch, and a sample at each temperature."""
        loss, held_out = epoch.train_loss, epoch.validation_loss
        print(f"\n| epoch: {epoch.number:03} | loss: {loss:.4f} | val_loss: {held_out:.4f}")
        print("-- TESTING...")
        for temperature in TEMPERATURES:
            print(f"-- Test with temperature of {temperature} --")
            print(run.info.seed_text + epoch.samples[temperature])


def train(text: str, folder: Path, settings: Mapping[str, float]) -> StoredModel:
    """Train by the lecture's recipe, changed by `settings`; return the version that the job publishes."""
    corpus = folder / "manual.txt"
    corpus.write_text(text, encoding="utf-8")
    words = ["--corpus", str(corpus), "--name", "lecture", "--config", str(RECIPE)]
    words += ["--store", str(folder / "models"), "--runs", str(folder / "runs")]
    words += [word for key, each in settings.items() for word in ("--set", f"{key}={each}")]
    options = TrainOptions(**vars(make_train_parser().parse_args(words)))
    with inputs_of_training(options) as (inputs, batches):
        job.train(options, inputs, batches, LectureLog())
        return inputs.store.open("lecture", 1)


def keep(version: StoredModel, folder: Path) -> Path:
    """Copy what `load` needs of a version into the folder; return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in (contents.FP32_GRAPH, contents.VOCABULARY):
        shutil.copyfile(version.file(name), folder / name)
    return folder


def load(folder: Path) -> tuple[Path, Vocabulary]:
    """Return the frozen file and the list of symbols that `keep` copied into the folder."""
    symbols = (folder / contents.VOCABULARY).read_bytes()
    return folder / contents.FP32_GRAPH, Vocabulary.from_json(symbols)


def write(
    frozen: Path,
    vocabulary: Vocabulary,
    seed_text: str,
    temperature: float,
    length: int,
    rng: np.random.Generator,
) -> str:
    """Load a frozen network and return the `length` characters that it writes after the seed text."""
    network = StepGraph(frozen)  # the state carried from step to step stands for the window
    ids = list(vocabulary.encode(seed_text))
    for position in range(len(ids) + length - 1):
        (logits,) = network.step(np.array([ids[position]]))
        if position + 1 == len(ids):  # past the seed text
            scores = np.exp((logits - logits.max()) / temperature)
            ids.append(rng.choice(len(scores), p=scores / scores.sum()))
    return vocabulary.decode(np.array(ids[-length:]))


def run(lesson: Lesson) -> None:
    """Train on the manual, with a sample after each epoch; then load the frozen file and write with it."""
    text = "".join(topics.values())[: 10_000 if lesson.quick else CHARACTERS]
    settings = SMALLER | {"epochs": lesson.iterations(EPOCHS, quick=1), "random_seed": lesson.seed}
    with tempfile.TemporaryDirectory(prefix="charloom-") as folder:
        version = train(text, Path(folder), settings)
        history = load_epochs(version.file(contents.EPOCHS).read_bytes())
        kept = keep(version, lesson.output / "character-model")
    _write_with(kept, lesson.seed)
    show_table(
        "Nats per character, and samples",
        ["epoch", "held-out loss", *(f"at {temperature}" for temperature in TEMPERATURES)],
        [
            [epoch.number, epoch.validation_loss, *(_line(epoch.samples[t]) for t in TEMPERATURES)]
            for epoch in history
        ],
    )
    save_picture(_picture(history), lesson, "character-model")


def _write_with(folder: Path, seed: int) -> None:
    """Print what the frozen file in the folder writes."""
    frozen, vocabulary = load(folder)
    print(f"\n{frozen}, {frozen.stat().st_size:,} bytes, loaded again")
    for temperature in TEMPERATURES:
        print(f"-- Test with temperature of {temperature} --")
        rng = np.random.default_rng(seed)
        text = write(frozen, vocabulary, SEED_TEXT, float(temperature), 200, rng)
        print(SEED_TEXT + text)


def _line(sample: str) -> str:
    return shorten(sample, 48, placeholder="")


def _picture(history: History) -> Figure:
    figure = Figure(figsize=(13, 5.5), layout="constrained")
    ratios = [1, *[1.2] * len(TEMPERATURES)]
    left, *columns = figure.subplots(1, len(ratios), width_ratios=ratios)
    epochs = trained(history)
    numbers = [epoch.number for epoch in epochs]
    left.plot(numbers, [epoch.train_loss for epoch in epochs], "o-", label="training, with dropout")
    left.plot(
        [epoch.number for epoch in history],
        [epoch.validation_loss for epoch in history],
        "s-",
        label="held out",
    )
    left.set(xlabel="epoch", ylabel="nats per character", xticks=[0, *numbers])
    left.grid(alpha=0.3)
    left.legend()
    for axes, temperature in zip(columns, TEMPERATURES, strict=True):
        _draw_samples(axes, history, temperature)
    return figure


def _draw_samples(axes: Axes, history: History, temperature: str) -> None:
    lines = []
    for epoch in history:
        if epoch.number in SHOWN:
            lines += [f"epoch {epoch.number}", *wrap(epoch.samples[temperature], 46)[:5], ""]
    page = "\n".join(lines)
    axes.text(0, 1, page, va="top", family="monospace", fontsize=9, parse_math=False)
    axes.set_title(f"temperature {temperature}")
    axes.axis("off")
