"""Training: truncated back-propagation through time over parallel streams, epoch by epoch."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from model_store import Vocabulary
from training.config import TrainingConfig
from training.dataset import Split, StreamBatches
from training.errors import TrainingError
from training.evaluate import validation_loss
from training.model import build_model, resolve_policy, zero_state
from training.progress import Progress
from training.run import Epoch, Run
from training.sample import sample_text

SAMPLE_TEMPERATURES = (0.5, 1.0)


def fit(run: Run, text: Split, vocabulary: Vocabulary, progress: Progress) -> None:
    """Train by the run's configuration and record every epoch in the run.

    Raises:
        KeyboardInterrupt: on Ctrl-C; the run keeps the best weights of its finished epochs.
        TrainingError: the loss is no number any more; the run keeps those weights too.
    """
    config = run.info.config
    keras.utils.set_random_seed(config.random_seed)
    model = build_model(config, len(vocabulary), resolve_policy(config.precision))
    batches = StreamBatches(text.train, config.batch_size, config.sequence_length)
    optimizer = _optimizer(config, total_steps=config.epochs * len(batches))
    optimizer.build(model.trainable_variables)
    step = _train_step(model, optimizer)

    with progress.over(config, len(batches)):
        for number, offset in enumerate(_offsets(config, len(text.train)), start=1):
            train_loss = _train_epoch(step, config, batches.epoch(offset), progress)
            if not math.isfinite(train_loss):
                raise TrainingError(
                    f"the loss is {train_loss} in epoch {number}: lower learning_rate"
                )
            with _averaged_weights(model, optimizer):
                epoch = Epoch(
                    number=number,
                    train_loss=train_loss,
                    validation_loss=validation_loss(model, config, text),
                    samples=_samples(model, run, vocabulary),
                )
                run.record(epoch, model.get_weights())
            progress.epoch(epoch, run)


def _optimizer(config: TrainingConfig, total_steps: int) -> keras.optimizers.Optimizer:
    warmup_steps = min(config.warmup_steps, total_steps // 10)
    schedule = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0,
        decay_steps=total_steps - warmup_steps,
        warmup_target=config.learning_rate,
        warmup_steps=warmup_steps,
    )
    return keras.optimizers.AdamW(
        schedule,
        weight_decay=config.weight_decay,
        global_clipnorm=config.clip_norm,
        use_ema=True,
        ema_momentum=_ema_momentum(config, total_steps),
    )


def _ema_momentum(config: TrainingConfig, total_steps: int) -> float:
    """Let the average reach back over a fifth of the steps at most, however few they are."""
    return min(config.ema_momentum, max(0.0, 1 - 5 / total_steps))


def _train_step(model: keras.Model, optimizer: keras.optimizers.Optimizer) -> Any:
    @tf.function
    def step(
        inputs: tf.Tensor, targets: tf.Tensor, state: list[tf.Tensor]
    ) -> tuple[tf.Tensor, list[tf.Tensor]]:
        with tf.GradientTape() as tape:
            logits, *state = model([inputs, *state], training=True)
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(targets, logits)
            loss = tf.reduce_mean(losses)
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        return loss, [tf.cast(part, tf.float32) for part in state]

    return step


def _train_epoch(
    step: Any,
    config: TrainingConfig,
    batches: Iterator[tuple[Any, Any]],
    progress: Progress,
) -> float:
    state = zero_state(config, config.batch_size)
    losses = []
    for inputs, targets in batches:
        loss, state = step(tf.constant(inputs), tf.constant(targets), state)
        losses.append(float(loss))
        progress.step(losses[-1])
    return float(np.mean(losses))


def _offsets(config: TrainingConfig, characters: int) -> list[int]:
    rng = np.random.default_rng(config.random_seed)
    return [int(offset) for offset in rng.integers(characters, size=config.epochs)]


@contextmanager
def _averaged_weights(model: keras.Model, optimizer: keras.optimizers.Optimizer) -> Iterator[None]:
    """Give the model the running average of its weights, and its own weights back at the end."""
    weights = model.get_weights()
    optimizer.finalize_variable_values(model.trainable_variables)
    try:
        yield
    finally:
        model.set_weights(weights)


def _samples(model: keras.Model, run: Run, vocabulary: Vocabulary) -> dict[str, str]:
    return {
        str(temperature): sample_text(
            model, run.info.config, vocabulary, run.info.seed_text, temperature
        )
        for temperature in SAMPLE_TEMPERATURES
    }
