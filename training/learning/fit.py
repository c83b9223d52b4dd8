"""The training loop: epochs of steps, with checkpoints, validation losses and samples."""

from collections.abc import Callable
from itertools import islice
from time import monotonic

import numpy as np

from model_store import Vocabulary
from training.config import TrainingConfig
from training.corpus.split import Split
from training.learning.batches import Batches
from training.learning.board import Board
from training.learning.epochs import Epoch, Untrained
from training.learning.evaluate import validation_loss
from training.learning.progress import Progress
from training.learning.run import Run
from training.learning.sample import sample_text
from training.learning.trainer import Trainer

SAMPLE_TEMPERATURES = (0.5, 1.0)
CHECKPOINT_SECONDS = 30


def fit(
    trainer: Trainer,
    run: Run,
    batches: Batches,
    text: Split,
    vocabulary: Vocabulary,
    progress: Progress,
) -> None:
    """Train from the run's checkpoint, or from the trainer's weights, and record every epoch.

    A training that is interrupted and continued ends with the weights of an uninterrupted training.

    Raises:
        KeyboardInterrupt: Ctrl-C; the run keeps its checkpoint and its best weights.
        TrainingError: the loss exploded or is not a number; the run keeps the same files.
    """
    config, workers = trainer.config, trainer.workers
    _begin(trainer, run, text, vocabulary, progress)
    first, done = trainer.position.epoch, len(trainer.position.losses)
    draws = _draws(config, len(batches.ids))[first - 1 :]
    with (
        progress.over(config.epochs, batches, (first - 1) * len(batches) + done),
        Board(run.folder, trainer, len(batches)) as board,
    ):

        def save_checkpoint() -> None:
            board.losses()  # before the checkpoint, so that the log misses no step after a kill
            run.save(trainer.arrays())

        # Workers carry different states within an epoch, and the checkpoint holds the chief's alone.
        save_in_epoch = save_checkpoint if workers.number == 1 else None
        for draw in draws:
            _train_epoch(trainer, batches, draw, progress, save_in_epoch)
            if not workers.chief:
                trainer.end_epoch()
                continue
            with progress.measuring(), trainer.averaged():
                epoch = _evaluate(trainer, run, text, vocabulary)
                run.record(epoch, trainer.model.get_weights())
            board.losses()
            board.epoch(epoch)
            trainer.end_epoch()
            run.save(trainer.arrays())  # last, because the checkpoint is past this epoch
            progress.epoch(epoch, run)


def _begin(
    trainer: Trainer, run: Run, text: Split, vocabulary: Vocabulary, progress: Progress
) -> None:
    """Restore the run's checkpoint; without a checkpoint, measure the weights before training."""
    if checkpoint := run.checkpoint():
        trainer.restore(checkpoint)
        progress.resumed(trainer.position.epoch, len(trainer.position.losses))
    elif run.info.parent or trainer.workers.chief:
        progress.beginning()
        loss = validation_loss(trainer.model, trainer.config, text)
        if trainer.workers.chief:
            run.record_untrained(Untrained(loss, _samples(trainer, run, vocabulary)))
        if run.info.parent:
            trainer.expect(loss)
            progress.started(loss)
    trainer.follow_chief()


def _train_epoch(
    trainer: Trainer,
    batches: Batches,
    draw: int,
    progress: Progress,
    save_checkpoint: Callable[[], None] | None,
) -> None:
    """Train from the trainer's position to the end of the epoch.

    `save_checkpoint`, if given, is called every CHECKPOINT_SECONDS.
    """
    saved = monotonic()
    done = len(trainer.position.losses)
    for inputs, targets in islice(batches.epoch(draw), done, None):
        progress.step(trainer.step(inputs, targets))
        if save_checkpoint and monotonic() - saved > CHECKPOINT_SECONDS:
            save_checkpoint()
            saved = monotonic()


def _draws(config: TrainingConfig, characters: int) -> list[int]:
    """Return the random number of each epoch, below the number of characters."""
    rng = np.random.default_rng(config.random_seed)
    return [int(draw) for draw in rng.integers(characters, size=config.epochs)]


def _evaluate(trainer: Trainer, run: Run, text: Split, vocabulary: Vocabulary) -> Epoch:
    """Measure the validation loss and draw the samples of the epoch that ends."""
    return Epoch(
        number=trainer.position.epoch,
        train_loss=float(np.mean(trainer.position.losses)),
        validation_loss=validation_loss(trainer.model, trainer.config, text),
        samples=_samples(trainer, run, vocabulary),
    )


def _samples(trainer: Trainer, run: Run, vocabulary: Vocabulary) -> dict[str, str]:
    """Draw a sample at each temperature after the run's seed text."""
    config, model, seed_text = trainer.config, trainer.model, run.info.seed_text
    return {
        str(temperature): sample_text(model, config, vocabulary, seed_text, temperature)
        for temperature in SAMPLE_TEMPERATURES
    }
