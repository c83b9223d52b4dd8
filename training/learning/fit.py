"""Training, epoch by epoch, with checkpoints."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from time import monotonic

import numpy as np

from model_store import Vocabulary
from training.config import TrainingConfig
from training.corpus.split import Split
from training.frozen.weights import Weights
from training.learning.batches import Batches, batches_of
from training.learning.board import Board
from training.learning.epochs import Epoch
from training.learning.evaluate import validation_loss
from training.learning.progress import Progress
from training.learning.run import Run
from training.learning.sample import sample_text
from training.learning.trainer import Trainer
from training.learning.workers import Workers

SAMPLE_TEMPERATURES = (0.5, 1.0)
CHECKPOINT_SECONDS = 30


def fit(
    run: Run,
    text: Split,
    vocabulary: Vocabulary,
    progress: Progress,
    weights: Weights | None = None,
    workers: Workers | None = None,
) -> None:
    """Train by the run's configuration, from its checkpoint if it has one, and record every epoch.

    A run without one begins with the weights given, or with random ones. However often it is
    interrupted and called again, the weights are those of one uninterrupted training.

    Raises:
        KeyboardInterrupt: on Ctrl-C; the run keeps its checkpoint and the best weights so far.
        TrainingError: the loss is no number any more; the run keeps those weights too.
    """
    config = run.info.config
    batches = batches_of(text.train, config)
    workers = workers or Workers()
    trainer = Trainer(config, vocabulary, len(batches), weights, workers)
    _begin(trainer, run, text, progress, given=weights is not None)
    first, done = trainer.position.epoch, len(trainer.position.losses)
    draws = _draws(config, len(text.train))[first - 1 :]
    with (
        progress.over(config.epochs, batches, (first - 1) * len(batches) + done),
        Board(run.folder, trainer, len(batches)) as board,
    ):

        def keep() -> None:
            board.losses()
            run.save(trainer.arrays())

        for draw in draws:
            # Several workers are together at the ends of epochs alone.
            _train_epoch(trainer, batches, draw, progress, keep if workers.number == 1 else None)
            if not workers.chief:
                trainer.end_epoch()
                continue
            with _averaged_weights(trainer):
                epoch = _evaluate(trainer, run, text, vocabulary)
                run.record(epoch, trainer.model.get_weights())
            board.losses()
            board.epoch(epoch)
            trainer.end_epoch()
            run.save(trainer.arrays())
            progress.epoch(epoch, run)


def _begin(trainer: Trainer, run: Run, text: Split, progress: Progress, *, given: bool) -> None:
    """Stand at the run's checkpoint, if it has one; else measure weights that were given."""
    if checkpoint := run.checkpoint():
        trainer.restore(checkpoint)
        progress.resumed(trainer.position.epoch, len(trainer.position.losses))
    elif given:
        loss = validation_loss(trainer.model, trainer.config, text)
        trainer.expect(loss)
        progress.started(loss)
    trainer.follow_chief()


def _train_epoch(
    trainer: Trainer,
    batches: Batches,
    draw: int,
    progress: Progress,
    keep: Callable[[], None] | None = None,
) -> None:
    """Train to the end of the epoch; keep a checkpoint now and then, if told how."""
    kept = monotonic()
    done = len(trainer.position.losses)
    for inputs, targets in islice(batches.epoch(draw), done, None):
        progress.step(trainer.step(inputs, targets))
        if keep and monotonic() - kept > CHECKPOINT_SECONDS:
            keep()
            kept = monotonic()


def _draws(config: TrainingConfig, characters: int) -> list[int]:
    rng = np.random.default_rng(config.random_seed)
    return [int(draw) for draw in rng.integers(characters, size=config.epochs)]


@contextmanager
def _averaged_weights(trainer: Trainer) -> Iterator[None]:
    """Give the model the running average of its weights, and its own weights back at the end."""
    weights = trainer.model.get_weights()
    trainer.optimizer.finalize_variable_values(trainer.model.trainable_variables)
    try:
        yield
    finally:
        trainer.model.set_weights(weights)


def _evaluate(trainer: Trainer, run: Run, text: Split, vocabulary: Vocabulary) -> Epoch:
    config, model = trainer.config, trainer.model
    return Epoch(
        number=trainer.position.epoch,
        train_loss=float(np.mean(trainer.position.losses)),
        validation_loss=validation_loss(model, config, text),
        samples={
            str(temperature): sample_text(
                model, config, vocabulary, run.info.seed_text, temperature
            )
            for temperature in SAMPLE_TEMPERATURES
        },
    )
